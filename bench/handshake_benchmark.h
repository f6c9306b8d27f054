// dske-bench handshake: new mutual-TLS connections per second, full and resumed.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dske::bench {

struct HandshakeSettings {
  std::string topology_file;
  std::string master_sae;
  std::string slave_sae;
  unsigned clients = 4;             ///< threads that connect, one connection after another
  std::uint32_t handshakes = 1000;  ///< of a round and kind, all threads together
  std::uint32_t rounds = 5;
};

/// Connects to the master's KME as the master SAE; a connection counts when the server has accepted the
/// client's certificate. The ceiling is what both cores can do of the same handshakes in memory, both ends
/// and the same certificates, without sockets and without a server. Prints medians and ratios. An error if
/// the server refused one (its limits: `server: {handshakes_per_second, ...}` in kme.yaml) or did not resume.
[[nodiscard]] Result<void> run_handshake_benchmark(const HandshakeSettings& settings);

}  // namespace dske::bench
