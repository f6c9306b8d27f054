// The operator commands of dske-hub (docs/management.md), by what they are about.
#pragma once

#include <vector>

#include "node/command_line.h"

namespace dske::hub {

/// init and serve.
[[nodiscard]] std::vector<node::CommandAndAction> daemon_commands();
/// node-key ...
[[nodiscard]] std::vector<node::CommandAndAction> node_key_commands();
/// client ...
[[nodiscard]] std::vector<node::CommandAndAction> client_commands();
/// psrd ...
[[nodiscard]] std::vector<node::CommandAndAction> psrd_commands();

}  // namespace dske::hub
