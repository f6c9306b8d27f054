// dske-hub serve: the parts of a hub put together.
#pragma once

#include "base/result.h"
#include "hub/hub_config.h"

namespace dske::hub {

/// Makes the state directory, the store with a new hub id, and the management token. ErrorKind::conflict if
/// there is a store already.
[[nodiscard]] Result<void> init_hub(const HubConfig& config);

/// Serves until SIGTERM, SIGINT or the management interface's stop, then stops gracefully. Fails at once if
/// it cannot begin.
[[nodiscard]] Result<void> serve_hub(const HubConfig& config);

}  // namespace dske::hub
