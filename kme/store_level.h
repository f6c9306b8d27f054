// How many keys of a pair of SAEs should be ready, by how many are taken.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace dske::kme {

/// How fast keys are taken, over about the last two minutes.
class KeyDemand {
 public:
  void add(std::uint64_t keys, MonotonicTime now);
  [[nodiscard]] double keys_per_second(MonotonicTime now) const;

 private:
  [[nodiscard]] double faded(MonotonicTime now) const;
  double taken_ = 0;  // older ones count less
  MonotonicTime at_;
};

/// How many of the ready keys are leased for issue ahead of the requests. It grows as long as leases follow
/// each other closely, so that at any rate few requests meet an empty lease, and shrinks afterwards, so that
/// a crash costs few keys.
class LeaseWindow {
 public:
  static constexpr std::uint32_t kLeast = 16;
  static constexpr std::uint32_t kMost = 16384;

  [[nodiscard]] std::uint32_t keys() const { return keys_; }
  /// A lease is needed now, for requests of `number` keys together, or 0.
  void note_lease(std::uint32_t number, MonotonicTime now);
  /// To be called every second or so.
  void note_time(MonotonicTime now);

 private:
  std::uint32_t keys_ = kLeast;
  MonotonicTime leased_at_;
};

}  // namespace dske::kme
