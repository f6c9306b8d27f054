// The HTTP server: Pistache's reactor, request parser, router and response types under a listener, transport
// loop, framing and writing of our own (docs/http.md says why and which of Pistache's internals that rests
// on).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_function.h"
#include "http/message.h"

namespace dske::http {

/// The right and duty to answer one request. Move-only. May be kept and used later and from any thread; if
/// the connection has gone by then the answer is dropped. Destroyed without an answer it sends 500.
class Reply {
 public:
  /// Called on a worker thread, exactly once: true when the kernel has taken the whole answer, false when the
  /// connection broke before. It must not wait. Once the server has ended, send() itself calls it with false.
  using Written = UniqueFunction<void(bool)>;

  class Sink;
  explicit Reply(std::unique_ptr<Sink> sink);
  Reply(Reply&&) noexcept;
  Reply& operator=(Reply&&) noexcept;
  ~Reply();

  /// Sends the answer; further calls are a bug.
  void send(Response response, Written written = {});

 private:
  std::unique_ptr<Sink> sink_;
};

/// Runs on a worker thread and must not wait for network, disk or another thread: it answers at once, or
/// keeps the Reply and returns. It must not throw (what it throws is logged and answered with 500).
using Handler = std::function<void(Request, Reply)>;

struct Route {
  std::string method;   ///< "GET", "POST", "PUT" or "DELETE"; HEAD goes to GET's handler and loses its body
  std::string pattern;  ///< "/api/v1/keys/:sae/status": a ":name" segment matches any one non-empty segment
  Handler handler;
};

/// The files are looked at every second; when one of them has changed and has then been left alone for a
/// second, all are loaded anew. What cannot be used is logged, and what was loaded before goes on. A client
/// whose certificate is not accepted any more is cut off at its next request.
struct TlsServerConfig {
  std::string certificate_file;  ///< PEM, the server's certificate and what leads to its CA
  std::string key_file;          ///< PEM
  /// PEM, at least one file, each with at least one authority; a client certificate that one of these issued
  /// is required.
  std::vector<std::string> client_ca_files;
  /// PEM, certificate revocation lists. With any, every authority above a client certificate must have one
  /// here that is not out of date (RFC 5280, 6.3): clients of others are refused. It is the list of what the
  /// authority issued; none is needed of who issued a trusted intermediate one.
  std::vector<std::string> client_crl_files;
  /// With a label (RFC 8446, 7.5), requests carry what is exported from their connection under it.
  std::string exporter_label = {};
};

/// Every limit on what strangers may take; a value of 0 is not allowed.
struct ServerLimits {
  /// When few places are left, a new connection takes that of the one that has waited the longest in its
  /// handshake or, without TLS, without a request.
  std::size_t connections = 4096;
  std::size_t connections_per_address = 2048;
  /// TLS handshakes begun per second: those over it wait for their turn for up to half of
  /// handshake_timeout, or are closed.
  std::uint32_t handshakes_per_second = 500;
  std::uint32_t handshakes_per_second_per_address = 200;
  std::size_t request_head_bytes = 16 * 1024;  ///< request line and headers together
  std::size_t request_headers = 128;
  std::size_t body_bytes = 1024 * 1024;
  std::size_t pending_write_bytes = 16 * 1024 * 1024;  ///< per connection; over it the connection is closed
  std::chrono::milliseconds handshake_timeout{5000};
  /// From a request's first byte, or for the first request from the start of the connection, to the end of
  /// its head.
  std::chrono::milliseconds head_timeout{10000};
  std::chrono::milliseconds body_timeout{30000};         ///< from the end of the head to the end of the body
  std::chrono::milliseconds keep_alive_timeout{120000};  ///< between requests
  std::chrono::milliseconds write_timeout{30000};        ///< without the peer taking a byte
  std::chrono::milliseconds linger_timeout{
      2000};  ///< after the last answer, for the peer to read it and close
};

struct ServerConfig {
  std::string name;  ///< for logs, "management" for example
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0 lets the system choose
  unsigned workers = 1;
  std::optional<TlsServerConfig> tls;  ///< TLS 1.2 and 1.3 with client certificates; plain HTTP without it
  ServerLimits limits;
};

/// A running server. Thread-safe.
class Server {
 public:
  /// Listens and serves. Fails with a cause that names the address and port (in use, not permitted) or the
  /// certificate file.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerConfig config, std::vector<Route> routes);

  virtual ~Server() = default;  ///< stops at once
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Takes no new connections and requests, lets those in flight finish for up to `grace`, says goodbye
  /// (close_notify) and ends the threads. Returns when it is done.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace dske::http
