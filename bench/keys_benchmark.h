// dske-bench keys: enc_keys and dec_keys over mutual TLS against a running topology, beside the ceiling.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dske::bench {

struct KeysSettings {
  std::string topology_file;
  std::string master_sae;
  std::string slave_sae;
  unsigned connections = 1;    ///< kept alive, at each end
  std::uint32_t requests = 0;  ///< enc_keys of a round, and as many dec_keys; 0: 20000 warm, 500 cold
  std::uint32_t number = 1;    ///< keys per request
  std::uint32_t rounds = 5;
  bool is_cold = false;           ///< keys are asked for in a size that no KME keeps ready
  std::uint32_t cold_bits = 264;  ///< that size
};

/// Warm: in each round waits until the KME has as many keys ready as the round takes (or no more come: then
/// the round is shorter, and without any ready key the requests are served on demand, which it says), and
/// between enc_keys and dec_keys for the slave's KME to have fetched them. Cold: waves of one request per
/// connection, enc_keys and at once dec_keys. Measures a constant server in the same way in the same rounds,
/// checks that all keys are equal at both ends, and prints medians beside the ceiling's. An error if anything
/// failed.
[[nodiscard]] Result<void> run_keys_benchmark(const KeysSettings& settings);

}  // namespace dske::bench
