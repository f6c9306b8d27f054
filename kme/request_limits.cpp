#include "kme/request_limits.h"

#include <string>
#include <utility>

namespace dske::kme {

RequestLimits::Place::Place(Place&& other) noexcept
    : limits_(std::exchange(other.limits_, nullptr)), sae_(std::move(other.sae_)) {}

RequestLimits::Place::~Place() {
  if (limits_) limits_->give_back(sae_);
}

etsi014::ApiResult<RequestLimits::Place> RequestLimits::take(const std::shared_ptr<RequestLimits>& limits,
                                                             const SaeId& sae, RateLimiter::Time now) {
  if (!limits->rate_.reserve(sae.text(), now)) {
    return etsi014::too_many_requests("this SAE makes more than " +
                                      std::to_string(limits->config_.per_second_per_sae) +
                                      " requests per second");
  }
  const MutexLock lock(limits->mutex_);
  if (limits->in_progress_ >= limits->config_.at_once)
    return etsi014::unavailable("too many requests at once");
  std::size_t& own = limits->per_sae_[sae];
  if (own >= limits->config_.at_once_per_sae) {
    return etsi014::too_many_requests("this SAE has " + std::to_string(own) +
                                      " requests that are not answered yet");
  }
  ++own;
  ++limits->in_progress_;
  return Place(limits, sae);
}

void RequestLimits::give_back(const SaeId& sae) {
  const MutexLock lock(mutex_);
  --in_progress_;
  const auto own = per_sae_.find(sae);
  if (--own->second == 0) per_sae_.erase(own);
}

}  // namespace dske::kme
