// A client of raw bytes, plain or over TLS, that does just what a test says. Every wait ends within seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "base/file.h"
#include "http/test_certificates.h"

namespace dske::http::test {

struct RawAnswer {
  int status = 0;    ///< 0: the connection ended before a whole answer had come
  std::string head;  ///< with the status line
  std::string body;
  [[nodiscard]] bool has_header(std::string_view line) const;
};

/// How a TlsClient deviates from what is usual.
struct TlsClientOptions {
  const Identity* identity = nullptr;  ///< the client certificate, if any
  int least_version = 0;
  int most_version = 0;
  std::string alpn;  ///< in wire format
  SSL_SESSION* resume = nullptr;
};

class RawClient {
 public:
  enum class Body { expected, none };

  /// Connects to a loopback port; fails the test if that does not work.
  explicit RawClient(std::uint16_t port);
  /// Takes over a socket that has not been connected yet.
  RawClient(FileDescriptor socket, std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// Shakes hands; false if that fails (with TLS 1.3, a refusal shows only in what is read afterwards).
  bool start_tls(const TestCertificates& certificates, const TlsClientOptions& options);
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }

  /// Returns false when the peer has gone.
  bool send(std::string_view bytes);
  /// Reads one answer, framed by Content-Length; Body::none for the answer to HEAD.
  RawAnswer read_answer(Body body = Body::expected);
  /// Sends a GET and reads its answer.
  RawAnswer get(std::string_view path);
  /// Everything up to the connection's end.
  std::string read_to_end();
  /// Whether the connection ends within `time`, without a byte before.
  bool ends_within(std::chrono::milliseconds time);
  /// Whether nothing at all comes within `time`.
  bool is_silent_for(std::chrono::milliseconds time);

  void half_close();
  /// Closes with a reset.
  void reset();

 private:
  /// Reads more into buffer_; false at the end.
  bool read_more(std::chrono::milliseconds time);

  FileDescriptor socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  std::string buffer_;
  bool timed_out_ = false;
};

}  // namespace dske::http::test
