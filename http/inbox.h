// What other threads tell a worker.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include <sys/socket.h>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"
#include "http/address_limits.h"
#include "http/message.h"
#include "http/reply_sink.h"

namespace dske::http {

/// Connections are numbered through the life of the process, so that a number never means another one.
using ConnectionId = std::uint64_t;

/// A queue with an eventfd. Thread-safe, except where stated.
class Inbox {
 public:
  struct NewConnection {
    FileDescriptor socket;
    sockaddr_storage address;
    AddressLimits::Place place;
  };
  /// An answer that was not given while the handler ran.
  struct LateAnswer {
    ConnectionId connection;
    Response response;
    Reply::Written written;
  };
  struct Stop {
    std::chrono::steady_clock::time_point deadline;
  };
  using Item = std::variant<NewConnection, LateAnswer, Stop>;

  [[nodiscard]] static Result<std::shared_ptr<Inbox>> make();

  /// Queues `item` and wakes the worker; false, with `item` untouched, if the worker has ended.
  [[nodiscard]] bool post(Item& item);
  /// Wakes the worker without an item.
  void wake();

  /// All items in their order. Only on the worker's thread.
  [[nodiscard]] std::vector<Item> take();
  /// From now on nothing is queued. Returns what was left.
  [[nodiscard]] std::vector<Item> close();
  [[nodiscard]] int descriptor() const { return event_.get(); }

  /// Asks the worker to end one of the connections that have asked nothing so far.
  void want_room() {
    ++room_wanted;
    wake();
  }
  /// How many of them it has been asked for, and has not looked after yet.
  std::atomic<std::size_t> room_wanted = 0;

  /// How many connections the worker has been given and has not closed.
  std::atomic<std::size_t> connections = 0;

 private:
  explicit Inbox(FileDescriptor event) : event_(std::move(event)) {}

  FileDescriptor event_;
  Mutex mutex_;
  std::vector<Item> items_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

/// While a handler runs, catches the answer that it gives before it returns, so that this needs no queue.
class Dispatch {
 public:
  Dispatch(const Inbox& inbox, ConnectionId connection);
  ~Dispatch();
  Dispatch(const Dispatch&) = delete;
  Dispatch& operator=(const Dispatch&) = delete;

  std::optional<Inbox::LateAnswer> answer;

 private:
  friend class ConnectionSink;
  const Inbox& inbox_;
  ConnectionId connection_;
};

/// Sends a Reply's answer to its connection, if it is still there.
class ConnectionSink final : public Reply::Sink {
 public:
  ConnectionSink(std::shared_ptr<Inbox> inbox, ConnectionId connection)
      : inbox_(std::move(inbox)), connection_(connection) {}
  void send(Response response, Reply::Written written) override;

 private:
  std::shared_ptr<Inbox> inbox_;
  ConnectionId connection_;
};

/// Tells `written`, if there is one, what became of its answer. What it throws is logged.
void report(Reply::Written& written, bool whole);

}  // namespace dske::http
