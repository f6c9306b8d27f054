// Reads the HTTP/1.1 answers of a load test, at the least cost that still tells a right answer from a wrong
// one. It belongs to the load generator: what a client of the product needs (chunked bodies, redirects,
// trailers, ...) is refused here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace dske::bench {

/// One answer at a time, in pieces of any size. Not thread-safe.
class AnswerReader {
 public:
  enum class State {
    incomplete,
    complete,
    broken,  ///< no HTTP/1.1 answer with a Content-Length, too large, or bytes after its end
  };

  /// Takes the next bytes. Once it is complete or broken, only reset() and take_body() may follow, or
  /// further bytes, which break it.
  State feed(std::string_view bytes);

  /// REQUIRES: complete.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] std::string_view body() const { return answer_.text().substr(head_bytes_); }
  /// The server closes the connection after this answer.
  [[nodiscard]] bool closes() const { return closes_; }
  /// Moves the body out and is ready for the next answer.
  [[nodiscard]] SecretBytes take_body();
  void reset();

 private:
  [[nodiscard]] bool read_head();

  SecretBytes answer_;
  std::size_t head_bytes_ = 0;  // 0: the head is not complete
  std::size_t body_bytes_ = 0;
  int status_ = 0;
  bool closes_ = false;
};

/// The key IDs of a key container (clause 6.3 of ETSI GS QKD 014 V1.1.1) as this project's KMEs write it,
/// found by a plain scan for "key_ID". Views into `container`.
[[nodiscard]] std::vector<std::string_view> scan_key_ids(std::string_view container);

/// How many there are, without a list of them.
[[nodiscard]] std::size_t count_key_ids(std::string_view container);

}  // namespace dske::bench
