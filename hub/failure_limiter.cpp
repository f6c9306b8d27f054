#include "hub/failure_limiter.h"

#include <algorithm>

namespace dske::hub {
namespace {

// A hub's restart makes all messages under way fail at once: the burst must hold them, for clients behind one
// address.
constexpr double kBurst = 2000;
constexpr double kPerSecond = 200;
constexpr std::size_t kAddressesMost = 65536;

}  // namespace

FailureLimiter::Budget& FailureLimiter::refilled(const std::string& address) {
  const MonotonicTime now = clock_.now();
  if (budgets_.size() >= kAddressesMost && !budgets_.contains(address)) budgets_.clear();
  const auto [entry, is_new] = budgets_.try_emplace(address, Budget{kBurst, now});
  Budget& budget = entry->second;
  if (!is_new) {
    const double seconds = std::chrono::duration<double>(now - budget.at).count();
    budget.left = std::min(kBurst, budget.left + seconds * kPerSecond);
    budget.at = now;
  }
  return budget;
}

bool FailureLimiter::allows(const std::string& address) {
  const MutexLock lock(mutex_);
  // Nothing is kept of addresses that never failed.
  return !budgets_.contains(address) || refilled(address).left >= 1;
}

void FailureLimiter::count_failure(const std::string& address) {
  const MutexLock lock(mutex_);
  ++failures_;
  Budget& budget = refilled(address);
  budget.left = std::max(0.0, budget.left - 1);
}

std::uint64_t FailureLimiter::failures() const {
  const MutexLock lock(mutex_);
  return failures_;
}

}  // namespace dske::hub
