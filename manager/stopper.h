// `stop`: gracefully through the management interface, by SIGTERM if that does not answer, by SIGKILL in the
// end.
#pragma once

#include "base/result.h"
#include "manager/network.h"

namespace dske::manager {

/// Stops the selected nodes: clients before hubs, each kind in reverse order; waits until all have ended.
/// Nodes that have left the topology but still run are stopped too when everything is. The caller holds the
/// network's lock. Returns whether all have stopped; what did not has been reported on standard error.
[[nodiscard]] bool stop_network(const Network& network, const Selection& selection);

}  // namespace dske::manager
