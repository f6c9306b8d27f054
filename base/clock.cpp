#include "base/clock.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>

namespace dske {
namespace {

// Longer than any deadline, and few enough nanoseconds to add to either clock.
constexpr std::chrono::hours kFarthest{24 * 365 * 100};
constexpr std::int64_t kWallSecondsMost = 9'000'000'000;  // in the year 2255

}  // namespace

BootClock::time_point BootClock::now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

const std::string& boot_id() {
  static const std::string id = [] {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    file >> text;
    return text;
  }();
  return id;
}

DurableDeadline DurableDeadline::at(MonotonicTime when, const Clock& clock) {
  const MonotonicTime now = clock.now();
  const MonotonicTime bounded = std::clamp(when, now - kFarthest, now + kFarthest);
  const auto wall = clock.wall() + std::chrono::duration_cast<WallTime::duration>(bounded - now);
  return {dske::boot_id(), when.time_since_epoch().count(),
          std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count()};
}

MonotonicTime DurableDeadline::monotonic(const Clock& clock) const {
  if (!boot_id.empty() && boot_id == dske::boot_id()) {
    return MonotonicTime(std::chrono::nanoseconds(boottime_nanos));
  }
  const WallTime wall{std::chrono::seconds(std::clamp<std::int64_t>(wall_seconds, 0, kWallSecondsMost))};
  return clock.now() + std::chrono::duration_cast<std::chrono::nanoseconds>(wall - clock.wall());
}

std::string utc_text(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

}  // namespace dske
