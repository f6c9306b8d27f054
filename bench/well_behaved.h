// The clients whose service a benchmark watches: at an even pace, over kept-alive and over new connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "bench/encryptor.h"
#include "bench/latency.h"

namespace dske::bench {

struct WellBehavedSettings {
  std::string target;  ///< what they GET; the answer must be 200
  unsigned connections = 8;
  unsigned calls_per_second = 50;  ///< on each kept-alive connection
  unsigned fresh_clients = 2;
  unsigned fresh_per_second =
      25;  ///< calls of each fresh client, each with a connection and a full handshake
  std::chrono::seconds duration{8};
};

/// One of the two kinds' calls. A call is measured from when it was due, so that one that stalls counts for
/// those that it held up.
struct Service {
  std::vector<Latency> latencies;
  std::size_t errors = 0;
  std::string first_error;
};

struct WellBehaved {
  Service kept_alive;
  Service fresh;
};

/// Returns once `duration` is over. The handshakes of the kept-alive connections come before it and are not
/// measured, but count as errors if they fail.
[[nodiscard]] WellBehaved watch_service(const Encryptor& encryptor, const WellBehavedSettings& settings);

}  // namespace dske::bench
