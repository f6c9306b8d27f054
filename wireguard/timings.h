// The times that the adapter keeps, and how it spreads what many peers do.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/random.h"

namespace dske::wireguard {

using Duration = std::chrono::nanoseconds;

/// What the configuration sets under `intervals` (docs/wireguard.md).
struct Timings {
  Duration rotate = std::chrono::seconds(120);  ///< between two keys
  Duration retry =
      std::chrono::seconds(10);  ///< between two attempts without a key, and at most while healing
  Duration compare = std::chrono::seconds(5);     ///< between two comparisons with the other end
  Duration observe = std::chrono::seconds(5);     ///< between two looks at the device
  Duration key_age_most = std::chrono::hours(1);  ///< then the gate shuts; 0: never
  bool operator==(const Timings&) const = default;
};

/// WireGuard's own: a session is renewed at 120 s of age and dies at 180 s. A key is changed between these
/// ages: late enough for a handshake that is being repeated to be over, early enough to be set at both ends
/// before the next one.
constexpr Duration kChangeFrom = std::chrono::seconds(10);
constexpr Duration kChangeUntil = std::chrono::seconds(100);
constexpr Duration kSessionDies = std::chrono::seconds(180);

/// What Timings::key_age_most must be at least: a key may be due just when the session is too old for a
/// change, and the next one young enough only after its handshake; and an attempt may fail.
[[nodiscard]] inline Duration least_key_age(Duration rotate) {
  return std::max<Duration>(2 * rotate, rotate + std::chrono::seconds(60));
}

/// `time` give or take a tenth, so that a thousand peers do not beat in time.
[[nodiscard]] inline Duration spread(Duration time, Randomness& randomness) {
  std::array<std::uint8_t, 2> bytes{};
  randomness.fill(bytes);
  const std::int64_t share = (bytes[0] << 8 | bytes[1]) - 0x8000;  // of 2^15
  return time + Duration(time.count() / 10 / 0x8000 * share);
}

/// Waits that double from a first to a longest one, each spread.
class BackOff {
 public:
  BackOff(Duration first, Duration longest, Randomness& randomness)
      : first_(first), longest_(longest), next_(first), randomness_(randomness) {}

  [[nodiscard]] Duration next() {
    const Duration wait = std::min(next_, longest_);
    next_ = std::min(2 * next_, longest_);
    return spread(wait, randomness_);
  }
  void reset() { next_ = first_; }

 private:
  const Duration first_;
  const Duration longest_;
  Duration next_;
  Randomness& randomness_;
};

}  // namespace dske::wireguard
