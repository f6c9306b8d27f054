#include <iostream>

#include "base/log.h"
#include "base/process.h"
#include "kme/commands.h"
#include "kme/daemon.h"
#include "kme/kme_config.h"
#include "kme/operator_command.h"
#include "node/command_line.h"
#include "node/node_key_command.h"

namespace dske::kme {
namespace {

using node::Invocation;

int init(const Invocation& invocation) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  log::set_level(log::Level::warning);
  if (auto done = init_kme(*config); !done) return report(done.error());
  std::cout << "KME " << config->name.text() << " initialised in " << config->node.state_dir.string() << "\n";
  return 0;
}

int serve(const Invocation& invocation) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  if (auto done = serve_kme(*config); !done) return report(done.error());
  return 0;
}

std::vector<node::CommandAndAction> node_key_commands() {
  return node::node_key_commands("dske-kme", [](const Invocation& invocation) -> Result<node::NodeConfig> {
    auto config = config_of(invocation);
    if (!config) return config.error();
    return std::move(config->node);
  });
}

}  // namespace
}  // namespace dske::kme

int main(int argc, char** argv) {
  using namespace dske::kme;
  dske::harden_command();
  std::vector<dske::node::CommandAndAction> commands = {
      {{"init",
        "init --config FILE",
        "makes the state directory, the node key and the management token",
        {},
        {},
        0,
        0,
        {}},
       init},
      {{"serve", "serve --config FILE", "runs the KME in the foreground", {}, {}, 0, 0, {}}, serve},
  };
  for (auto& more : psrd_commands()) commands.push_back(std::move(more));
  for (auto& more : hub_commands()) commands.push_back(std::move(more));
  for (auto& more : node_key_commands()) commands.push_back(std::move(more));
  return dske::node::run_command_line("dske-kme", "a key management entity: ETSI GS QKD 014 keys by DSKE",
                                      commands, argc, argv);
}
