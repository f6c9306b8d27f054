// `start`: everything that makes a network run, from nothing or from whatever is there.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "manager/network.h"

namespace dske::manager {

/// Starts what is selected and not running, gives clients PSRD where they are short of it, and waits until
/// each node is ready; says what it does. The caller holds the network's lock. Returns whether every selected
/// node is ready (those on other hosts aside); each failure has been reported on standard error.
[[nodiscard]] Result<bool> start_network(const Network& network, const Selection& selection);

}  // namespace dske::manager
