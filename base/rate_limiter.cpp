#include "base/rate_limiter.h"

#include <algorithm>

namespace dske {
namespace {

constexpr std::size_t kKeysMost = 65536;
constexpr std::chrono::seconds kBurst{1};

}  // namespace

std::optional<RateLimiter::Time> RateLimiter::reserve(const std::string& key, Time now, Duration patience) {
  const MutexLock lock(mutex_);
  Time& in_step = this->in_step(key, now);
  const Time start = std::max(in_step, now - kBurst + interval_);
  if (start > now + patience) return std::nullopt;
  in_step = start + interval_;
  return start;
}

std::size_t RateLimiter::keys() const {
  const MutexLock lock(mutex_);
  return in_step_.size();
}

RateLimiter::Time& RateLimiter::in_step(const std::string& key, Time now) {
  const auto found = in_step_.find(key);
  if (found != in_step_.end()) return found->second;
  if (in_step_.size() >= kKeysMost && now - swept_ >= kBurst) {
    // Those whose whole allowance has come back are as good as unknown.
    std::erase_if(in_step_, [&](const auto& entry) { return entry.second <= now - kBurst; });
    swept_ = now;
  }
  if (in_step_.size() >= kKeysMost) return shared_;
  return in_step_[key];
}

}  // namespace dske
