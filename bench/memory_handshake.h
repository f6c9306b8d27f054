// TLS handshakes without sockets: what a handshake's cryptography alone costs, both ends in one thread.
#pragma once

#include "base/result.h"
#include "bench/tls_connection.h"

namespace dske::bench {

/// Several threads may use it at once.
class MemoryHandshake {
 public:
  /// The server requires a certificate of the client's CA, as the product's does, and looks into no
  /// revocation list.
  [[nodiscard]] static Result<MemoryHandshake> make(const http::TlsClientConfig& client,
                                                    const std::string& server_certificate,
                                                    const std::string& server_key);

  /// A handshake and the server's ticket, with which the next can be resumed. With `session` an error unless
  /// that one was resumed.
  [[nodiscard]] Result<TlsSessionPointer> run(ssl_session_st* session = nullptr) const;

 private:
  TlsContextPointer client_;
  TlsContextPointer server_;
};

}  // namespace dske::bench
