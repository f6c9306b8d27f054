// A server on a free loopback port with the routes that the tests ask for.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "http/server.h"

namespace dske::http::test {

/// Waits, for a few seconds at most, until `holds` does.
[[nodiscard]] bool soon(const std::function<bool()>& holds);

/// The processor time that this process has used.
[[nodiscard]] std::chrono::microseconds processor_time();

/// GET /small: "small". GET /large: large_bytes() of letters. GET /late: kept until answer_late(). GET
/// /throws, GET /forgets. POST /echo/:name: the body, with X-Path, X-Query, X-Name and X-Subject. DELETE
/// /small.
class TestServer {
 public:
  static constexpr std::size_t kLargeBytes = 8 * 1024 * 1024;

  explicit TestServer(const ServerLimits& limits = {}, std::optional<TlsServerConfig> tls = {},
                      unsigned workers = 2);
  ~TestServer();

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] Server& server() { return *server_; }
  /// Ends the server as its destruction would.
  void destroy() { server_.reset(); }

  /// How many requests for /late wait.
  [[nodiscard]] std::size_t late_requests();
  /// Answers them all, from this thread.
  void answer_late(const std::string& body);
  /// How many answers of /late and /large were written whole, and how many were not.
  [[nodiscard]] int written() const { return *written_; }
  [[nodiscard]] int lost() const { return *lost_; }
  /// Of the last request for /echo that came with a certificate.
  [[nodiscard]] std::shared_ptr<const PeerIdentity> last_identity();

 private:
  [[nodiscard]] Reply::Written counting() const;

  std::shared_ptr<std::atomic<int>> written_ = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<std::atomic<int>> lost_ = std::make_shared<std::atomic<int>>(0);
  Mutex mutex_;
  std::vector<Reply> late_ GUARDED_BY(mutex_);
  std::shared_ptr<const PeerIdentity> last_identity_ GUARDED_BY(mutex_);
  std::unique_ptr<Server> server_;
};

}  // namespace dske::http::test
