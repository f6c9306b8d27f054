// The part of a node's configuration that hubs and KMEs have in common (docs/management.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/yaml.h"
#include "http/server.h"
#include "node/node_key.h"

namespace dske::node {

struct NodeConfig {
  std::filesystem::path state_dir;
  NodeKeyConfig node_key;  ///< where the key of the secrets at rest is
  std::string address;     ///< a numeric IP address
  std::uint16_t port = 0;
  std::string management_address;
  std::uint16_t management_port = 0;
  unsigned workers = 1;
  std::string log_level;
  http::ServerLimits server;  ///< of the port that clients or SAEs reach
};

/// Reads the common members; faults are recorded in `reader`. Paths that are not absolute count from the
/// directory of `file`.
[[nodiscard]] NodeConfig read_node_config(yaml::MappingReader& reader, const std::filesystem::path& file);

/// A path from a configuration file: as it is if absolute, else from the file's directory.
[[nodiscard]] std::filesystem::path resolve_path(const std::string& path, const std::filesystem::path& file);

/// Sets the level of this process's log.
void apply_log_level(const NodeConfig& config);

/// "127.0.0.1:8100", or "[::1]:8100".
[[nodiscard]] std::string host_and_port(const std::string& address, std::uint16_t port);

}  // namespace dske::node
