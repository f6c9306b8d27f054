// The HTTP client over libcurl: one loop for many concurrent calls, and a blocking call for tools.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "http/identity.h"
#include "http/message.h"

namespace dske::http {

/// How to speak TLS as a client; unused for http:// URLs. The files are read for every new connection; those
/// that a ClientLoop opened before one of them changed are not used again.
struct TlsClientConfig {
  std::string certificate_file;  ///< PEM; empty for none
  std::string key_file;
  std::string ca_file;        ///< the server's certificate must come from here and match the URL's host
  std::string least_version;  ///< "", "1.2" or "1.3"
  /// For a peer instead of a host: the server's certificate must come from `ca_file` and be good for a
  /// client, its host name is not looked at, and this tells why it is not the peer's; empty: it is. Asked
  /// before anything is sent, on the calling loop's thread.
  std::function<std::string(const PeerIdentity&)> peer_refusal = {};
  /// PEM, certificate revocation lists, as TlsServerConfig::client_crl_files: for the server's certificate.
  std::vector<std::string> crl_files = {};
  std::string exporter_label = {};  ///< with it, answers carry what is exported from their connection
};

/// Whom the configuration's own certificate names, once all its files have been found to be good: the key is
/// the certificate's, authorities and lists can be read. The error names the file.
[[nodiscard]] Result<PeerIdentity> check_client_files(const TlsClientConfig& tls);

struct Call {
  std::string method = "GET";
  std::string url;
  std::vector<Header> headers;
  SecretBytes body;
  std::string content_type;  ///< empty: no Content-Type header
  std::chrono::milliseconds timeout{5000};
  std::size_t most_answer_bytes = 8 * 1024 * 1024;
  std::shared_ptr<const TlsClientConfig> tls;
};

struct Answer {
  int status = 0;
  std::vector<Header> headers;
  SecretBytes body;
  SecretBytes tls_exported = {};  ///< as Request::tls_exported: empty if there is nothing
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// A loop on a thread of its own that runs tasks, timers and HTTP calls; connections are kept alive and
/// reused.
class ClientLoop : public EventLoop {
 public:
  using Done = UniqueFunction<void(Result<Answer>)>;
  [[nodiscard]] static std::unique_ptr<ClientLoop> start();

  /// Stops the loop: tasks, timers and calls that are left are dropped, their callbacks destroyed uncalled.
  ~ClientLoop() override = default;
  /// Starts a call; `done` runs on the loop. Any HTTP status is an Answer; ErrorKind::unavailable when there
  /// was none (refused, timed out, broken). Never retries by itself: a signed message must not be sent twice.
  /// Only on the loop's thread.
  virtual void send(Call call, Done done) = 0;
  /// Runs `ready` on the loop whenever `fd` is readable, until the loop stops. Only on the loop's thread.
  virtual void watch_readable(int fd, std::function<void()> ready) = 0;
};

/// A reusable blocking client (one kept-alive connection per host), for tools. Not thread-safe.
class BlockingClient {
 public:
  BlockingClient();
  ~BlockingClient();
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;
  [[nodiscard]] Result<Answer> send(const Call& call);

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace dske::http
