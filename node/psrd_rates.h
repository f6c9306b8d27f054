// How fast PSRD is used up.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/names.h"
#include "dske/leased_pool.h"

namespace dske::node {

/// Bytes per second, by zone.
struct PsrdRates {
  double client_authenticator = 0;
  double client_pad = 0;
  double hub_authenticator = 0;
  double hub_pad = 0;

  /// When the first zone is used up if it goes on like this; nothing if none is being used.
  [[nodiscard]] std::optional<std::chrono::seconds> time_left(const PsrdLevels& levels) const;
};

/// Estimates the rates from levels that are observed now and then: means over the past in which what lies
/// kMemory back counts a third of what is new. Counts what was used of each block, so new blocks and blocks
/// that go change nothing. Thread-safe.
class PsrdRateEstimator {
 public:
  static constexpr std::chrono::seconds kMemory{300};
  /// Nothing is told of a shorter time.
  static constexpr std::chrono::seconds kLeastObserved{5};

  using BlockLevels = std::map<BlockId, PsrdLevels>;

  /// What `peer`'s blocks have left at `now`, which is not before the last time.
  void observe(const std::string& peer, BlockLevels blocks, MonotonicTime now);
  /// Nothing if the peer has not been observed long enough.
  [[nodiscard]] std::optional<PsrdRates> rates(const std::string& peer) const;
  void forget(const std::string& peer);

 private:
  struct Observed {
    BlockLevels blocks;
    MonotonicTime at;
    PsrdRates faded_bytes;     // used, each byte by its weight
    double faded_seconds = 0;  // likewise the time
    std::chrono::nanoseconds span{0};
  };

  mutable Mutex mutex_;
  std::map<std::string, Observed> peers_ GUARDED_BY(mutex_);
};

/// Observes all blocks of a pool.
void observe_pool(PsrdRateEstimator& estimator, const std::string& peer, const LeasedPool& pool,
                  MonotonicTime now);

}  // namespace dske::node
