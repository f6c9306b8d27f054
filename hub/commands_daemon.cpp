#include <iostream>

#include "base/json.h"
#include "base/log.h"
#include "hub/commands.h"
#include "hub/daemon.h"
#include "hub/operator_command.h"
#include "node/node_key_command.h"

namespace dske::hub {
namespace {

using node::Invocation;

int init(const Invocation& invocation) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  log::set_level(log::Level::warning);
  if (auto done = init_hub(*config); !done) return report(done.error());
  if (invocation.flag("json")) {
    json::Writer writer;
    writer.begin_object().name("name").string(config->name.text());
    writer.name("state_dir").string(config->node.state_dir.string()).end_object();
    std::cout << writer.take_text() << "\n";
    return 0;
  }
  std::cout << "hub " << config->name.text() << " initialised in " << config->node.state_dir.string() << "\n";
  return 0;
}

int serve(const Invocation& invocation) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  if (auto done = serve_hub(*config); !done) return report(done.error());
  return 0;
}

}  // namespace

std::vector<node::CommandAndAction> daemon_commands() {
  return {
      {{"init",
        "init --config FILE [--json]",
        "makes the state directory, the hub's id, the node key and the management token",
        {},
        {"json"},
        0,
        0,
        {}},
       init},
      {{"serve", "serve --config FILE", "runs the hub in the foreground", {}, {}, 0, 0, {}}, serve},
  };
}

std::vector<node::CommandAndAction> node_key_commands() {
  return node::node_key_commands("dske-hub", [](const Invocation& invocation) -> Result<node::NodeConfig> {
    auto config = config_of(invocation);
    if (!config) return config.error();
    return std::move(config->node);
  });
}

}  // namespace dske::hub
