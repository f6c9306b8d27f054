// Keeps strangers from filling the log.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "base/mutex.h"

namespace dske::http {

/// Allows a few events per second. Thread-safe.
class LogBudget {
 public:
  /// How many events were swallowed since the last one that was allowed; nothing if this one is to be
  /// swallowed too.
  [[nodiscard]] std::optional<std::size_t> spend(std::chrono::steady_clock::time_point now) {
    const MutexLock lock(mutex_);
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      spent_ = 0;
    }
    if (spent_ >= kPerSecond) {
      ++swallowed_;
      return std::nullopt;
    }
    ++spent_;
    const std::size_t swallowed = swallowed_;
    swallowed_ = 0;
    return swallowed;
  }

 private:
  static constexpr std::size_t kPerSecond = 3;

  Mutex mutex_;
  std::chrono::steady_clock::time_point second_ GUARDED_BY(mutex_);
  std::size_t spent_ GUARDED_BY(mutex_) = 0;
  std::size_t swallowed_ GUARDED_BY(mutex_) = 0;
};

}  // namespace dske::http
