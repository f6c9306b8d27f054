// dske-bench relay: how much secret a network establishes end to end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace dske::bench {

struct RelaySettings {
  std::filesystem::path
      directory;  ///< in which the nodes get a directory of their own; empty: in memory only
  std::vector<std::uint64_t> bundle_bytes{1024, 4096, 16384, 65536, 262144, 1048576};
  std::size_t hubs = 5;
  std::size_t shares_required = 3;
  std::uint64_t in_flight = 16;
  std::uint64_t mebibytes = 16;  ///< of secret, per round and bundle size at most
  std::uint64_t rounds = 5;
};

/// Prints Mbit/s of secret by bundle size, as medians, with the protocol alone and HTTP alone for comparison.
[[nodiscard]] Result<void> run_relay_benchmark(const RelaySettings& settings);

}  // namespace dske::bench
