// `pki`: making and showing certificates.
#pragma once

#include "base/result.h"
#include "manager/command_line.h"
#include "manager/network.h"

namespace dske::manager {

/// Runs the action and says what it did. Actions that write need the network's lock, held by the caller.
[[nodiscard]] Result<void> run_pki_command(const Network& network, const CommandLine& line);

}  // namespace dske::manager
