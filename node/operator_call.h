// Operator commands against a running daemon, through its management interface.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "node/node_config.h"

namespace dske::node {

/// Either the lock on the state directory (nobody runs: work on the store), or the fact that a daemon runs.
struct DaemonRuns {};
using OfflineOrDaemon = std::variant<DirectoryLock, DaemonRuns>;
[[nodiscard]] Result<OfflineOrDaemon> offline_or_daemon(const std::filesystem::path& state_dir);

/// Calls the daemon with the token of its state directory and answers the JSON of a 200. Other answers become
/// errors with the daemon's message.
[[nodiscard]] Result<json::Document> call_daemon(const NodeConfig& config, const std::string& method,
                                                 const std::string& path, SecretBytes body);

}  // namespace dske::node
