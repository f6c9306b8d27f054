// dske-bench soak: whether a network that delivers very many keys grows.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dske::bench {

struct SoakSettings {
  std::string topology_file;
  std::string master_sae;
  std::string slave_sae;
  std::uint64_t pairs = 1000000;  ///< enc_keys calls, each with its dec_keys call
  unsigned connections = 32;      ///< each a master and a slave with a kept-alive connection of their own
  std::uint32_t number = 1;       ///< keys per call
  unsigned seconds_between_samples = 5;
  std::int64_t block_bytes = 1 << 20;  ///< of each half of the PSRD blocks that are provisioned meanwhile
  double tolerance_mebibytes = 16;     ///< growth of a node's memory, beside PSRD that is not spent, per
                                       ///< million pairs, that is no failure
  double tolerance_descriptors = 8;    ///< the same of its descriptors
  std::string samples_file = {};       ///< CSV of all samples; empty for none
};

/// Fetches keys at both ends and compares them, provisions PSRD as it goes, and prints what every node's
/// process takes, with a straight line fitted to it at the end. PSRD that is not spent is told apart, because
/// nodes keep it in memory and what a call takes of the zones is seldom what a block brings. An error if a
/// pair failed, or if memory or descriptors of a node grow beyond the tolerances.
[[nodiscard]] Result<void> run_soak_benchmark(const SoakSettings& settings);

}  // namespace dske::bench
