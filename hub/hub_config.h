// The configuration of a hub (docs/management.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/names.h"
#include "base/result.h"
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

struct HubConfig {
  HubName name;
  node::NodeConfig node;
  std::string endpoint;  ///< what PSRD files tell clients
  RelayLimits limits;
};

[[nodiscard]] Result<HubConfig> read_hub_config(const std::filesystem::path& file);

}  // namespace dske::hub
