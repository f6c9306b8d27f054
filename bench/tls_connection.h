// The connections of the load generator: TLS over TCP to one server, with a client certificate.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/types.h>

#include "base/result.h"
#include "http/client.h"

struct ssl_session_st;  // OpenSSL names it in no header of types

namespace dske::bench {

struct FreeTls {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* tls) const;
  void operator()(ssl_session_st* session) const;
};
using TlsContextPointer = std::unique_ptr<ssl_ctx_st, FreeTls>;
using TlsPointer = std::unique_ptr<ssl_st, FreeTls>;
using TlsSessionPointer = std::unique_ptr<ssl_session_st, FreeTls>;

/// What OpenSSL complains of, under `what`.
[[nodiscard]] Error tls_error(const std::string& what);

/// A client's context: TLS 1.3, these files, the server's certificate verified against the CA. Keeps no
/// session by itself.
[[nodiscard]] Result<TlsContextPointer> client_context(const http::TlsClientConfig& config);

/// Reads on until the server's first session ticket, which says that it has taken the client's part of the
/// handshake; the ticket's session. `tls` must be of a client_context().
[[nodiscard]] Result<TlsSessionPointer> take_ticket(ssl_st* tls);

/// Where a server listens: a numeric IPv4 address.
struct ServerAddress {
  std::string address;
  std::uint16_t port = 0;
};

/// Not thread-safe; several may share a context.
class TlsConnection {
 public:
  /// Connects and shakes hands, for up to 15 s. With `session` it asks to resume that one.
  [[nodiscard]] static Result<TlsConnection> open(ssl_ctx_st* context, const ServerAddress& server,
                                                  ssl_session_st* session = nullptr);
  ~TlsConnection();
  TlsConnection(TlsConnection&& other) noexcept;
  TlsConnection& operator=(TlsConnection&&) = delete;
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool is_resumed() const;
  /// take_ticket() of this connection: waits until the server has accepted the client's certificate.
  [[nodiscard]] Result<TlsSessionPointer> wait_for_ticket();

  /// From now on read() does not wait. Call it once the connection is open.
  [[nodiscard]] Result<void> stop_waiting();
  /// Sends all of it; waits, for up to 15 s, only while the system's buffer is full.
  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// What has arrived, into `buffer`; 0 if that is nothing for now. ErrorKind::unavailable at the end of the
  /// connection.
  [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t size);

 private:
  explicit TlsConnection(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
  TlsPointer tls_;
};

}  // namespace dske::bench
