// A server of raw bytes on a loopback port, a thread per connection: it answers just as a test says, wrongly
// too.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/file.h"
#include "base/mutex.h"

namespace dske::http::test {

/// One accepted connection, used by its thread alone.
class RawConnection {
 public:
  RawConnection(int fd, int number) : fd_(fd), number_(number) {}
  /// Which of the server's connections it is, from 1.
  [[nodiscard]] int number() const { return number_; }
  /// The next request, head and body as they came; nothing when the peer has closed.
  [[nodiscard]] std::optional<std::string> read_request();
  /// What comes next, whatever it is; empty when the peer has closed.
  [[nodiscard]] std::string read_some();
  /// Returns false when the peer has gone.
  bool write(std::string_view bytes);
  /// An answer with Content-Length.
  bool answer(int status, std::string_view body);
  /// Makes the close that follows a reset.
  void reset_on_close();

 private:
  int fd_;
  int number_;
  std::string buffer_;
};

/// Runs `serve` for each connection and closes it when that returns. The destructor breaks what is open and
/// waits.
class RawServer {
 public:
  using Serve = std::function<void(RawConnection&)>;
  explicit RawServer(Serve serve);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url(std::string_view path) const {
    return "http://" + authority() + std::string(path);
  }
  /// How many connections it has accepted.
  [[nodiscard]] int connections() const { return connections_; }
  /// How many of them it has closed.
  [[nodiscard]] int closed() const { return closed_; }

 private:
  struct Open {
    FileDescriptor socket;
    std::thread thread;
  };
  void accept_all();

  Serve serve_;
  FileDescriptor listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<int> closed_{0};
  Mutex mutex_;
  std::list<Open> open_ GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace dske::http::test
