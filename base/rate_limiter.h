// Spaces events out in time, separately for every source of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/mutex.h"

namespace dske {

/// How often something may happen: bursts of up to one second's worth, then evenly.
///
/// The generic cell rate algorithm (ITU-T I.371): of each key only the time is kept at which its next event
/// would be in step. Thread-safe. Its memory is bounded: beyond 65,536 keys that are in use, further ones
/// share one allowance.
class RateLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  explicit RateLimiter(std::uint32_t per_second)
      : interval_(std::chrono::duration_cast<Duration>(std::chrono::seconds(1)) / per_second) {}

  /// When an event of `key` that asks now may happen: at once (a time that is not after `now`) or later by at
  /// most `patience`. Nothing if it would have to wait longer; then it does not count.
  [[nodiscard]] std::optional<Time> reserve(const std::string& key, Time now, Duration patience = {});

  /// How many keys are kept.
  [[nodiscard]] std::size_t keys() const;

 private:
  [[nodiscard]] Time& in_step(const std::string& key, Time now) REQUIRES_LOCK(mutex_);

  const Duration interval_;
  mutable Mutex mutex_;
  std::unordered_map<std::string, Time> in_step_ GUARDED_BY(mutex_);
  Time shared_ GUARDED_BY(mutex_);
  Time swept_ GUARDED_BY(mutex_);
};

}  // namespace dske
