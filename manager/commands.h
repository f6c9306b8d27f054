// What each command of dske-manager does with its network.
#pragma once

#include "base/result.h"
#include "manager/command_line.h"
#include "manager/network.h"

namespace dske::manager {

/// Runs the command. False: it failed, and what failed has been reported; an error is still to be reported.
[[nodiscard]] Result<bool> run_command(const Network& network, const CommandLine& line);

}  // namespace dske::manager
