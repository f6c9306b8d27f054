// TLS for the server: the context with its certificates and rules, and one connection's session over a
// Socket.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "http/identity.h"
#include "http/server.h"
#include "http/socket.h"

struct ssl_ctx_st;
struct ssl_st;

namespace dske::http {

/// Certificates, keys and rules, shared by all connections of a server. Thread-safe.
class TlsContext {
 public:
  /// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption alone; a client certificate is
  /// required. The error names the file and what is wrong with it. `name` keeps the sessions of different
  /// servers apart.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> load(const TlsServerConfig& config,
                                                                const std::string& name);

  /// A server's side of a new connection over `socket`, which must outlive it. Null when memory is short. The
  /// caller frees it with SSL_free.
  [[nodiscard]] ssl_st* new_session(Socket& socket) const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  explicit TlsContext(std::unique_ptr<ssl_ctx_st, Free> context) : context_(std::move(context)) {}
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

/// The bytes of one connection: as they are, or through TLS. Owns neither the socket nor the session. Not
/// thread-safe.
class Stream {
 public:
  enum class Handshake { done, waiting, failed };

  explicit Stream(Socket& socket) : socket_(socket) {}

  /// Speaks TLS from now on; `ssl` must outlive the stream's use.
  void use_tls(ssl_st* ssl) { ssl_ = ssl; }
  /// Goes on with the handshake. A plain connection is done at once.
  [[nodiscard]] Handshake handshake();
  /// Why the handshake failed, for the log.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  /// Who the client's verified certificate says it is; null without TLS. Only after the handshake.
  [[nodiscard]] std::shared_ptr<const PeerIdentity> identity() const;

  [[nodiscard]] ReadOutcome read(MutableByteView into);
  /// At most 16 KiB at a time keep what the socket has to hold small.
  void write(ByteView bytes);
  /// Says that nothing more will be sent.
  void end_writing();
  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }
  [[nodiscard]] bool broken() const { return failed_ || socket_.broken(); }

 private:
  Socket& socket_;
  ssl_st* ssl_ = nullptr;
  std::string failure_;
  bool failed_ = false;
};

}  // namespace dske::http
