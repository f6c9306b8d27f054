// The configuration file that makes a directory a node: hub.yaml and kme.yaml (docs/management.md).
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "manager/network.h"

namespace dske::manager {

/// Where a node finds its files, as written into its configuration. Relative paths are for a directory that
/// will be copied to another host and used as the working directory there.
struct NodePaths {
  std::filesystem::path state;
  std::filesystem::path certificate;  ///< the TLS files are a KME's alone
  std::filesystem::path key;
  std::filesystem::path client_ca;
  std::filesystem::path client_crl;
};

/// The paths of a node that runs on this host, absolute.
[[nodiscard]] NodePaths local_paths(const Network& network, const Node& node);
/// The paths of a node whose directory will be copied: state in the directory itself, TLS files in its
/// `tls/`.
[[nodiscard]] NodePaths portable_paths();

/// The text of the node's configuration file.
[[nodiscard]] std::string config_text(const Network& network, const Node& node, const NodePaths& paths);

enum class ConfigChange { none, made, changed };

/// Writes the file (and its directory) if it differs from what is there.
[[nodiscard]] Result<ConfigChange> write_config(const std::filesystem::path& file, const std::string& text);

}  // namespace dske::manager
