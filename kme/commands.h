// The operator commands of dske-kme, by what they are about.
#pragma once

#include <vector>

#include "node/command_line.h"

namespace dske::kme {

/// ingest-psrd, psrd list and psrd drop.
[[nodiscard]] std::vector<node::CommandAndAction> psrd_commands();
/// hub list, hub leave and hub forget.
[[nodiscard]] std::vector<node::CommandAndAction> hub_commands();

}  // namespace dske::kme
