// `provision`: more PSRD while the network runs, and directories for nodes on other hosts.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"
#include "manager/network.h"

namespace dske::manager {

struct ProvisionRequest {
  Selection hubs;                               ///< --hub: only from these
  PsrdSizes sizes;                              ///< of the block that each pair of client and hub gets
  std::optional<std::filesystem::path> output;  ///< -o
};

/// For a client: has each running hub make a block, and ingests it; for a hub: the same for each of its
/// clients. With an output directory, or for a client on another host, the files are left there instead, and
/// the directory of a node on another host is made ready to copy. The caller holds the network's lock. Says
/// what it does; returns whether everything worked, the rest having been reported on standard error.
[[nodiscard]] bool provision(const Network& network, const Node& node, const ProvisionRequest& request);

}  // namespace dske::manager
