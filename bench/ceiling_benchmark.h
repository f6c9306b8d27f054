// dske-bench ceiling: what HTTP and TLS alone allow key delivery.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dske::bench {

struct CeilingSettings {
  std::string topology_file;  ///< for its PKI; its nodes need not run
  std::string master_sae;
  std::string slave_sae;
  unsigned connections = 1;
  std::uint32_t requests = 5000;  ///< of a round, for each of enc_keys and dec_keys
  std::uint32_t number = 1;
  std::uint32_t size_bits = 0;  ///< of a key; 0: the topology's
  std::uint32_t rounds = 5;
};

/// Starts a server that answers a constant, sends it what an encryptor sends, and prints the medians.
[[nodiscard]] Result<void> run_ceiling_benchmark(const CeilingSettings& settings);

}  // namespace dske::bench
