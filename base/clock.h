// Time, as an interface so that tests can set it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dske {

/// CLOCK_BOOTTIME: never jumps, goes on while the machine sleeps, is the same for all processes of one boot.
struct BootClock {
  // NOLINTBEGIN(readability-identifier-naming): the names that std::chrono wants of a clock
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  // NOLINTEND(readability-identifier-naming)
  static time_point now() noexcept;
};

using MonotonicTime = BootClock::time_point;
using WallTime = std::chrono::system_clock::time_point;

/// Both kinds of time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonotonicTime now() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonotonicTime now() const override { return BootClock::now(); }
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }
};

/// A deadline that survives a restart of the process: exact while the machine stays up, and after a reboot
/// taken from the wall clock, the best that is left then.
struct DurableDeadline {
  std::string boot_id;              ///< the kernel's id of the boot in which it was made
  std::int64_t boottime_nanos = 0;  ///< CLOCK_BOOTTIME in that boot
  std::int64_t wall_seconds = 0;    ///< seconds since 1970 UTC

  [[nodiscard]] static DurableDeadline at(MonotonicTime when, const Clock& clock);
  /// The same moment on this boot's monotonic clock.
  [[nodiscard]] MonotonicTime monotonic(const Clock& clock) const;
};

/// The kernel's random id of the present boot; empty where /proc does not tell.
[[nodiscard]] const std::string& boot_id();

/// "2026-03-01T09:30:00Z".
[[nodiscard]] std::string utc_text(WallTime time);

}  // namespace dske
