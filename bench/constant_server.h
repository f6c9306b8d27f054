// The ceiling of key delivery: the product's own server layer that answers a constant.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "bench/tls_connection.h"
#include "http/server.h"

namespace dske::bench {

/// A process of its own, as a KME is one, that serves http::Server with mutual TLS, one worker as a KME has
/// by default and the routes of key delivery; what it answers to enc_keys and dec_keys is always the same
/// `number` keys of `key_bytes` bytes each. It ends with this object or with this process.
class ConstantServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ConstantServer>> start(const http::TlsServerConfig& tls,
                                                                     std::size_t number,
                                                                     std::size_t key_bytes);
  ~ConstantServer();
  ConstantServer(const ConstantServer&) = delete;
  ConstantServer& operator=(const ConstantServer&) = delete;

  [[nodiscard]] const ServerAddress& address() const { return address_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  ConstantServer(pid_t pid, int input) : pid_(pid), input_(input) {}

  pid_t pid_;
  int input_;  // the server ends when this is closed
  ServerAddress address_{"127.0.0.1", 0};
};

/// The server's process: tells its port on standard output and serves until standard input ends. Its words
/// are certificate, key, CA and revocation list (files), number and key_bytes.
[[nodiscard]] Result<void> serve_constant(const std::vector<std::string>& words);

}  // namespace dske::bench
