// Threads that wait for others, but not for ever.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "base/mutex.h"

namespace dske::manager {

/// Opens once count_down() has been called `count` times. Thread-safe.
class Gate {
 public:
  explicit Gate(std::size_t count) : left_(count) {}

  void count_down() {
    const MutexLock lock(mutex_);
    if (left_ > 0) --left_;
    changed_.notify_all();
  }

  /// Waits until it opens, at most `timeout`; whether it is open.
  bool wait(std::chrono::milliseconds timeout) {
    const MonotonicTime deadline = BootClock::now() + timeout;
    const MutexLock lock(mutex_);
    while (left_ > 0) {
      const auto remaining = deadline - BootClock::now();
      if (remaining <= remaining.zero()) return false;
      changed_.wait_for(mutex_, remaining);
    }
    return true;
  }

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  std::size_t left_ GUARDED_BY(mutex_);
};

}  // namespace dske::manager
