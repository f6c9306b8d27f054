// The single-threaded loop that protocol state machines live on, as an interface so that tests can run one by
// hand.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/unique_function.h"

namespace dske {

/// Runs tasks one after the other on one thread.
class EventLoop {
 public:
  using TimerId = std::uint64_t;

  virtual ~EventLoop() = default;
  /// Queues `task` to run on the loop's thread. From any thread. A task posted after the loop has stopped is
  /// dropped.
  virtual void post(Task task) = 0;
  /// Runs `task` on the loop once `delay` has passed. Only on the loop's own thread.
  virtual TimerId after(std::chrono::nanoseconds delay, Task task) = 0;
  /// Forgets a timer; an id that has fired or is unknown is ignored. Only on the loop's own thread.
  virtual void cancel(TimerId timer) = 0;
};

}  // namespace dske
