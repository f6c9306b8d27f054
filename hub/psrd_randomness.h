// The random bytes that PSRD is made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "hub/noise_source.h"

namespace dske::hub {

/// The system's generator and, if one is configured, a further source, XORed byte by byte. The two are
/// independent, so the outcome is at least as good as the better of them: the further source can be bad, or
/// known to somebody, without making PSRD worse than the system's generator alone. It is tested all the same,
/// and while it fails no PSRD is made: whoever wants it wants to know. Thread-safe.
class PsrdRandomness {
 public:
  /// `system` must outlive it. What it must remember lies in `state_dir` (NoiseInput::open).
  PsrdRandomness(Randomness& system, const NoiseSourceConfig& config, const std::filesystem::path& state_dir);

  /// Fills `bytes`, or wipes them and answers the further source's error (NoiseSource::fill). Waits for that
  /// source; without one it never fails.
  [[nodiscard]] Result<void> fill(MutableByteView bytes);
  /// Runs the further source's start-up test, if it is due.
  Result<void> prepare();

  /// Ends waits for the further source: the daemon stops.
  void give_up();

  /// What operators are shown of the further source.
  struct Status {
    enum class State { none, untested, good, failed };
    State state = State::none;
    std::string source;       ///< its path
    std::string error;        ///< of the last failure, while it lasts
    std::uint64_t bytes = 0;  ///< mixed in so far
    std::uint64_t failures = 0;
  };
  /// Never waits.
  [[nodiscard]] Status status() const;

 private:
  [[nodiscard]] Result<void> noted(Result<void> result, std::uint64_t bytes);

  Randomness& system_;
  Mutex source_mutex_;                   // one at a time uses the source
  std::unique_ptr<NoiseSource> source_;  // never changes
  mutable Mutex status_mutex_;
  Status status_ GUARDED_BY(status_mutex_);
};

}  // namespace dske::hub
