// The adapter as a process.
#pragma once

#include "base/result.h"
#include "wireguard/config.h"

namespace dske::wireguard {

/// Where the daemon tells how it stands.
[[nodiscard]] std::filesystem::path status_socket_path(const Config& config);

/// Starts the helper, gives up its own privileges and works until SIGTERM or SIGINT comes. Tunnels go on as
/// they are when it ends.
[[nodiscard]] Result<void> run_adapter(const Config& config);

}  // namespace dske::wireguard
