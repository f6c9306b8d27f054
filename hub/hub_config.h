// The configuration of a hub (docs/management.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/names.h"
#include "base/result.h"
#include "hub/noise_source.h"
#include "node/node_config.h"

namespace dske::hub {

/// What a client may take of a hub.
struct RelayLimits {
  std::uint64_t share_bytes = 1048608;  ///< of one share: 1 MiB of keys and 32 bytes
  std::uint64_t lifetime_seconds = 604800;
  std::uint64_t slaves = 64;
  std::uint64_t waiting_bundles_per_client = 100000;
  std::uint64_t waiting_bytes_per_client = 268435456;
};

/// The ready PSRD files that the hub keeps for its clients.
struct ProvisionerConfig {
  bool enabled = true;
  std::uint64_t pool_size = 5;          ///< files per client
  std::uint64_t client_bytes = 131072;  ///< of each file's halves
  std::uint64_t hub_bytes = 131072;
  std::chrono::seconds interval{10};
  std::uint64_t total_bytes = std::uint64_t{1} << 30;       ///< of the ready files of all clients
  std::uint64_t keep_free_bytes = std::uint64_t{64} << 20;  ///< of the file system
};

struct HubConfig {
  HubName name;
  node::NodeConfig node;
  std::string endpoint;  ///< what PSRD files tell clients
  RelayLimits limits;
  NoiseSourceConfig randomness;
  ProvisionerConfig provisioner;
};

[[nodiscard]] Result<HubConfig> read_hub_config(const std::filesystem::path& file);

}  // namespace dske::hub
