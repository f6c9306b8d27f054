// The help texts of dske-manager.
#pragma once

#include <string>

#include "manager/command_line.h"

namespace dske::manager {

[[nodiscard]] std::string program_help();
[[nodiscard]] std::string command_help(CommandName command);
/// One line: "dske-manager TOPOLOGY start [--hub NAME]...".
[[nodiscard]] std::string command_usage(CommandName command);

}  // namespace dske::manager
