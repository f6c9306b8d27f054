// dske-bench keys: enc_keys and dec_keys over mutual TLS against a running topology.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dske::bench {

struct KeysSettings {
  std::string topology_file;
  std::string master_sae;
  std::string slave_sae;
  unsigned connections = 1;       ///< each a client of its own with one persistent connection
  std::uint32_t requests = 1000;  ///< enc_keys calls in all, and as many dec_keys calls
  std::uint32_t number = 1;       ///< keys per call
};

/// Checks that enough PSRD is left (and says what to provision if not), fetches keys at the master's KME,
/// then the same keys at the slave's, checks that each pair is equal, and prints rates, latencies and the
/// PSRD spent. An error if anything failed or a key differed.
[[nodiscard]] Result<void> run_keys_benchmark(const KeysSettings& settings);

}  // namespace dske::bench
