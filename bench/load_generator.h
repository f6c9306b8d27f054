// A load generator, not a client: it drives many kept-alive mutual-TLS connections from one thread at little
// cost per request, so that a measurement is of the server and not of libcurl. Requests are whole texts made
// beforehand, answers are read by bench/answer_reader.h.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "bench/latency.h"
#include "bench/tls_connection.h"

namespace dske::bench {

/// What one burst of requests measured.
struct Burst {
  std::vector<Latency> latencies;   ///< of each request, in the requests' order
  std::vector<SecretBytes> bodies;  ///< of the answers, likewise
  double seconds = 0;               ///< from the first request to the last answer
  double generator_seconds = 0;     ///< CPU time of this thread in it

  [[nodiscard]] double per_second() const {
    return seconds > 0 ? static_cast<double>(latencies.size()) / seconds : 0;
  }
};

/// Not thread-safe.
class LoadGenerator {
 public:
  /// Opens them one after the other; handshakes are no part of a burst.
  [[nodiscard]] static Result<std::unique_ptr<LoadGenerator>> connect(const ServerAddress& server,
                                                                      const http::TlsClientConfig& tls,
                                                                      std::size_t connections);
  virtual ~LoadGenerator() = default;

  /// Sends each request once, in their order, over whichever connection is free, and waits for all answers;
  /// for each at most 30 s. An error at the first answer that is not a 200 with `keys` key IDs in it (any
  /// number if it is 0).
  [[nodiscard]] virtual Result<Burst> run(std::span<const std::string> requests, std::size_t keys) = 0;
};

/// An HTTP/1.1 request in full; with a body, which is JSON, it is a POST, without one a GET.
[[nodiscard]] std::string request_text(const ServerAddress& server, const std::string& target,
                                       const std::string& body = {});

}  // namespace dske::bench
