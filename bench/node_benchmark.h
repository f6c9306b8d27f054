// How one node's memory, start-up time and latency develop with the number of those it serves.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace dske::bench {

struct NodeSettings {
  std::vector<std::uint32_t> sizes;  ///< clients of the hub, or SAEs of the KME; ascending
  std::uint32_t requests = 1000;     ///< of which the latency is measured
};

/// One hub, and as many clients as each size says, in this process.
[[nodiscard]] Result<void> run_node_hub_benchmark(const NodeSettings& settings,
                                                  const std::filesystem::path& directory);

/// One KME whose SAEs each have keys ready for ten slaves at another KME, over three hubs.
[[nodiscard]] Result<void> run_node_kme_benchmark(const NodeSettings& settings,
                                                  const std::filesystem::path& directory);

/// `dske-bench node ...`: its exit status. REQUIRES: this process has one thread.
[[nodiscard]] int run_node_command(int argc, char** argv);

}  // namespace dske::bench
