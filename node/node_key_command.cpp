#include "node/node_key_command.h"

#include <iostream>

#include "base/file.h"
#include "node/key_file.h"
#include "node/node_key.h"

namespace dske::node {
namespace {

Result<void> export_key(const NodeConfig& config, const std::filesystem::path& file) {
  std::error_code fault;
  if (std::filesystem::exists(file, fault) || fault) return invalid(file.string() + " exists already");
  const auto key = read_node_key(config.node_key);
  if (!key) return key.error();
  return write_key_file(file, key->view());
}

Result<void> import_key(const NodeConfig& config, const std::filesystem::path& file) {
  if (auto own = check_private_file(file, "node key"); !own) return own;
  const auto key = read_key_file(file);
  if (!key) return key.error();
  if (auto made = make_private_directories(config.state_dir); !made) return made;
  return place_node_key(config.node_key, key->view());
}

}  // namespace

std::vector<CommandAndAction> node_key_commands(
    const std::string& program, const std::function<Result<NodeConfig>(const Invocation&)>& config_of) {
  const auto command =
      [=](const std::function<Result<void>(const NodeConfig&, const std::filesystem::path&)>& act,
          const std::string& told) {
        return [=](const Invocation& invocation) {
          const auto config = config_of(invocation);
          if (!config) return fail(program + ": " + config.error().message);
          const std::string& file = invocation.arguments.at(0);
          if (auto done = act(*config, file); !done) return fail(program + ": " + done.error().message);
          std::cout << told << file << "\n";
          return 0;
        };
      };
  return {
      {{"node-key export",
        "node-key export FILE --config FILE",
        "writes the node key in plain text, to be kept or moved",
        {},
        {},
        1,
        1,
        {}},
       command(export_key, "the node key, in plain text, is in ")},
      {{"node-key import",
        "node-key import FILE --config FILE",
        "puts the node key of FILE where the configuration says, if none is there",
        {},
        {},
        1,
        1,
        {}},
       command(import_key, "the node key was taken from ")},
  };
}

}  // namespace dske::node
