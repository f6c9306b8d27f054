#include "kme/store_level.h"

#include <algorithm>
#include <cmath>

namespace dske::kme {
namespace {

constexpr double kFadeSeconds = 120;
constexpr std::chrono::milliseconds kClose{250};
constexpr std::uint32_t kGrowth = 4;
constexpr std::chrono::seconds kQuiet{2};

}  // namespace

double KeyDemand::faded(MonotonicTime now) const {
  return taken_ * std::exp(-std::chrono::duration<double>(now - at_).count() / kFadeSeconds);
}

void KeyDemand::add(std::uint64_t keys, MonotonicTime now) {
  taken_ = faded(now) + static_cast<double>(keys);
  at_ = now;
}

double KeyDemand::keys_per_second(MonotonicTime now) const {
  return faded(now) / kFadeSeconds;
}

void LeaseWindow::note_lease(std::uint32_t number, MonotonicTime now) {
  if (now - leased_at_ < kClose) keys_ = std::min(kMost, keys_ * kGrowth);
  keys_ = std::clamp(2 * std::min(number, kMost), keys_, kMost);
  leased_at_ = now;
}

void LeaseWindow::note_time(MonotonicTime now) {
  if (now - leased_at_ > kQuiet) keys_ = std::max(kLeast, keys_ / 2);
}

}  // namespace dske::kme
