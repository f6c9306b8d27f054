// The operator commands `node-key export` and `node-key import` of both kinds of node (docs/operations.md).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/command_line.h"
#include "node/node_config.h"

namespace dske::node {

/// `config_of` reads the part of the node's configuration that --config names.
[[nodiscard]] std::vector<CommandAndAction> node_key_commands(
    const std::string& program, const std::function<Result<NodeConfig>(const Invocation&)>& config_of);

}  // namespace dske::node
