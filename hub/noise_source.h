// A further source of randomness, tested all the time (NIST SP 800-90B, section 4).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "hub/health_tests.h"
#include "hub/noise_input.h"

namespace dske::hub {

/// `randomness` of hub.yaml.
struct NoiseSourceConfig {
  std::filesystem::path source;               ///< empty: the system's generator alone
  double min_entropy_per_byte = 0;            ///< H in bits, as its maker or an assessment tells
  unsigned false_alarm_exponent = 40;         ///< alpha = 2^-this
  std::chrono::milliseconds patience{10000};  ///< how long it may give nothing
};

/// Gives the source's bytes as they come, once they have passed both health tests. Not thread-safe, but for
/// give_up().
class NoiseSource {
 public:
  /// Samples that must pass before any is given, at the start and after a failure; they are not given.
  /// SP 800-90B (4.3, 12) asks for 1,024 at least.
  static constexpr std::size_t kStartUpSamples = 4096;

  /// `used_file`: see NoiseInput::open.
  NoiseSource(NoiseSourceConfig config, std::filesystem::path used_file);

  /// Opens the source and runs the start-up test, unless it has passed and nothing has failed since.
  [[nodiscard]] Result<void> prepare();
  /// prepare(), then fills `bytes`. After a failure `bytes` is wiped, the error says which test failed and
  /// what to do, and nothing more is given before a fresh start-up test has passed: the next call runs it.
  [[nodiscard]] Result<void> fill(MutableByteView bytes);

  /// Ends a wait for the source, now or to come, with an error. From any thread.
  void give_up() { given_up_ = true; }

  [[nodiscard]] const NoiseSourceConfig& config() const { return config_; }

 private:
  [[nodiscard]] Result<void> read_tested(MutableByteView bytes);
  [[nodiscard]] Error failure_error(HealthTests::Failure failure) const;

  NoiseSourceConfig config_;
  std::filesystem::path used_file_;
  HealthTestCutoffs cutoffs_;
  std::unique_ptr<NoiseInput> input_;  // empty: not tested yet, or failed
  HealthTests tests_;
  std::atomic<bool> given_up_ = false;
};

}  // namespace dske::hub
