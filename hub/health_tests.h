// The continuous health tests of a noise source, NIST SP 800-90B section 4.4, for samples of one byte.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace dske::hub {

/// From how many equal samples on a test fails. Both follow from what is claimed of the source, its
/// min-entropy per byte H (0 < H <= 8), and the probability alpha = 2^-false_alarm_exponent that a source
/// which keeps its claim fails at one sample or window all the same.
struct HealthTestCutoffs {
  static constexpr unsigned kWindow = 512;  ///< samples of the adaptive proportion test (4.4.2, not binary)

  unsigned repetition = 0;  ///< in a row: 1 + ceil(-log2(alpha) / H) (4.4.1)
  /// Of a window, the first included: 1 + critbinom(512, 2^-H, 1 - alpha) (4.4.2), at most the window.
  unsigned proportion = 0;

  [[nodiscard]] static HealthTestCutoffs of(double min_entropy_per_byte, unsigned false_alarm_exponent);
};

/// Looks at every sample that a source gives, in its order. What it does depends on the number of samples
/// alone, not on their values, since they are to be secret. Not thread-safe.
class HealthTests {
 public:
  enum class Failure { none, repetition_count, adaptive_proportion };

  explicit HealthTests(const HealthTestCutoffs& cutoffs) : cutoffs_(cutoffs) {}

  /// Answers the first failure since the tests began: once a test has failed, it stays so.
  Failure look_at(ByteView samples);
  [[nodiscard]] const HealthTestCutoffs& cutoffs() const { return cutoffs_; }

 private:
  HealthTestCutoffs cutoffs_;
  unsigned last_ = 256;  // no sample yet
  unsigned in_a_row_ = 0;
  unsigned first_ = 0;  // of the window
  unsigned equal_to_first_ = 0;
  unsigned window_at_ = 0;
  unsigned repetition_failed_ = 0;
  unsigned proportion_failed_ = 0;
};

}  // namespace dske::hub
