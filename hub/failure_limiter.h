// Limits how many messages that do not verify one address may send, so that guessing costs the hub little.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/mutex.h"

namespace dske::hub {

/// A budget of failures per source address that refills with time. It is never kept per client: whoever
/// forges a client's name must not be able to shut that client out. Thread-safe; its memory is bounded.
class FailureLimiter {
 public:
  explicit FailureLimiter(const Clock& clock) : clock_(clock) {}

  /// Whether messages from this address are looked at now.
  [[nodiscard]] bool allows(const std::string& address);
  void count_failure(const std::string& address);
  [[nodiscard]] std::uint64_t failures() const;

 private:
  struct Budget {
    double left = 0;
    MonotonicTime at;
  };
  Budget& refilled(const std::string& address) REQUIRES_LOCK(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::unordered_map<std::string, Budget> budgets_ GUARDED_BY(mutex_);
  std::uint64_t failures_ GUARDED_BY(mutex_) = 0;
};

}  // namespace dske::hub
