#include "base/clock.h"

#include <limits>
#include <thread>

#include <doctest/doctest.h>

using namespace dske;
using namespace std::chrono_literals;

namespace {

// Shows the times that a test sets.
class SetClock final : public Clock {
 public:
  SetClock(std::chrono::nanoseconds monotonic, std::chrono::seconds wall)
      : monotonic_(monotonic), wall_(wall) {}
  [[nodiscard]] MonotonicTime now() const override { return monotonic_; }
  [[nodiscard]] WallTime wall() const override { return wall_; }

 private:
  MonotonicTime monotonic_;
  WallTime wall_;
};

constexpr std::chrono::seconds kSpring{1'772'357'400};  // 2026-03-01T09:30:00Z

}  // namespace

TEST_CASE("the monotonic clock goes on") {
  const SystemClock clock;
  const MonotonicTime before = clock.now();
  std::this_thread::sleep_for(2ms);
  CHECK(clock.now() - before >= 2ms);
  CHECK(clock.wall().time_since_epoch() > kSpring);
}

TEST_CASE("a deadline is exact within one boot, whatever the wall clock does") {
  const SetClock then(1000s + 7ns, kSpring);
  const auto deadline = DurableDeadline::at(then.now() + 90s, then);
  const SetClock later(1050s, kSpring + 24h);
  CHECK(deadline.monotonic(later) == MonotonicTime(1090s + 7ns));
}

TEST_CASE("after a reboot a deadline is taken from the wall clock") {
  const SetClock then(1000s, kSpring);
  auto deadline = DurableDeadline::at(then.now() + 90s, then);
  CHECK(deadline.boot_id == boot_id());
  CHECK(deadline.wall_seconds == (kSpring + 90s).count());
  deadline.boot_id = "of another boot";
  CHECK(deadline.monotonic(SetClock(5s, kSpring + 30s)) == MonotonicTime(65s));
  CHECK(deadline.monotonic(SetClock(5s, kSpring + 100s)) == MonotonicTime(-5s));
  deadline.boot_id.clear();
  CHECK(deadline.monotonic(SetClock(5s, kSpring + 30s)) == MonotonicTime(65s));
}

TEST_CASE("a deadline never moves to a later moment by a reboot") {
  const SetClock then(1000s, kSpring);
  auto deadline = DurableDeadline::at(then.now() + 1500ms, then);
  deadline.boot_id.clear();
  CHECK(deadline.monotonic(then) <= then.now() + 1500ms);
  CHECK(deadline.monotonic(then) > then.now() + 500ms);
}

TEST_CASE("deadlines beyond what time can hold are as far away as it goes, not wrong") {
  const SetClock clock(1000s, kSpring);
  DurableDeadline never = DurableDeadline::at(MonotonicTime::max(), clock);
  never.boot_id.clear();
  CHECK(never.monotonic(clock) > clock.now() + 24h * 365);
  const DurableDeadline far{"", 0, std::numeric_limits<std::int64_t>::max()};
  CHECK(far.monotonic(clock) > clock.now() + 24h * 365);
  const DurableDeadline past{"", 0, std::numeric_limits<std::int64_t>::min()};
  CHECK(past.monotonic(clock) < clock.now());
}

TEST_CASE("the boot's id is one UUID for the whole boot") {
  CHECK(boot_id().size() == 36);
  CHECK(&boot_id() == &boot_id());
}

TEST_CASE("wall time is shown in UTC to the second") {
  CHECK(utc_text(WallTime(kSpring)) == "2026-03-01T09:30:00Z");
  CHECK(utc_text(WallTime(kSpring + 999ms)) == "2026-03-01T09:30:00Z");
  CHECK(utc_text(WallTime()) == "1970-01-01T00:00:00Z");
}
