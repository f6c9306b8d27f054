// TLS for the server: the context with its certificates and rules, and one connection's session over a
// Socket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/identity.h"
#include "http/server.h"
#include "http/socket.h"

struct ssl_ctx_st;
struct ssl_st;

namespace dske::http {

struct FreeTlsSession {
  void operator()(ssl_st* session) const;
};
/// One connection's TLS state.
using TlsSession = std::unique_ptr<ssl_st, FreeTlsSession>;

/// Certificates, keys and rules, shared by all connections of a server. Thread-safe.
class TlsContext {
 public:
  /// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption alone, key agreement with ML-KEM first
  /// where the library has it; a client certificate is required. The error names the file and what is wrong
  /// with it. `name` keeps the sessions of different servers apart; `generation` is only kept.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> load(const TlsServerConfig& config,
                                                                      const std::string& name,
                                                                      std::uint64_t generation);

  /// A server's side of a new connection over `socket`, which must outlive it. Null when memory is short.
  [[nodiscard]] TlsSession new_session(Socket& socket) const;
  /// Why the certificate of a session's client, accepted under another context, is not accepted under this
  /// one; nothing if it is.
  [[nodiscard]] std::optional<std::string> refusal(ssl_st* session) const;

  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// What was loaded, in a line for a log.
  [[nodiscard]] const std::string& description() const { return description_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  TlsContext(std::unique_ptr<ssl_ctx_st, Free> context, std::uint64_t generation)
      : context_(std::move(context)), generation_(generation) {}

  [[nodiscard]] Result<void> load_own(const TlsServerConfig& config);
  [[nodiscard]] Result<void> load_trusted(const TlsServerConfig& config);

  std::unique_ptr<ssl_ctx_st, Free> context_;
  const std::uint64_t generation_;
  std::string description_;
};

/// The bytes of one connection: as they are, or through TLS. Owns neither the socket nor the session. Not
/// thread-safe.
class Stream {
 public:
  enum class Handshake { done, waiting, failed };

  explicit Stream(Socket& socket) : socket_(socket) {}

  /// Speaks TLS from now on; `ssl` must outlive the stream's use, and the stream must not move.
  void use_tls(ssl_st* ssl);
  /// Goes on with the handshake. A plain connection is done at once.
  [[nodiscard]] Handshake handshake();
  /// Why the handshake failed, for the log; names the certificate if one was refused.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] bool certificate_refused() const { return !refused_certificate_.empty(); }
  /// Who the client's verified certificate says it is; null without TLS. Only after the handshake.
  [[nodiscard]] std::shared_ptr<const PeerIdentity> identity() const;
  /// What is exported under `label` (http/tls_exporter.h); null if nothing is. Only after the handshake.
  [[nodiscard]] std::shared_ptr<const SecretBytes> exported(const std::string& label) const;

  [[nodiscard]] ReadOutcome read(MutableByteView into);
  /// At most 16 KiB at a time keep what the socket has to hold small.
  void write(ByteView bytes);
  /// Says that nothing more will be sent.
  void end_writing();
  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }
  [[nodiscard]] bool broken() const { return failed_ || socket_.broken(); }

  /// For OpenSSL's callback: a certificate of the client's chain is refused.
  void note_refused(std::string certificate) { refused_certificate_ = std::move(certificate); }

 private:
  [[nodiscard]] std::string handshake_failure() const;

  Socket& socket_;
  ssl_st* ssl_ = nullptr;
  std::string failure_;
  std::string refused_certificate_;
  bool failed_ = false;
};

}  // namespace dske::http
