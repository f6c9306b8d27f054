#include "hub/health_tests.h"

#include <algorithm>
#include <cmath>

namespace dske::hub {
namespace {

// 1 if a >= b, without a branch; both are small.
unsigned at_least(unsigned a, unsigned b) {
  return 1U - ((a - b) >> 31U);
}

unsigned equal(unsigned a, unsigned b) {
  return 1U - (((a ^ b) + 0x7fffffffU) >> 31U);
}

// The least c with P(hits <= c) >= 1 - alpha. Sums the upper tail, which 1 - alpha would round away, of terms
// whose logarithms are known: their factors alone underflow.
unsigned critical_hits(unsigned trials, double p, double alpha) {
  const auto n = static_cast<double>(trials);
  double log_choose = 0;  // of the binomial coefficient
  double tail = 0;
  for (unsigned hits = trials; hits > 0; --hits) {
    const auto k = static_cast<double>(hits);
    tail += std::exp(log_choose + k * std::log(p) + (n - k) * std::log1p(-p));
    if (tail > alpha) return hits;
    log_choose += std::log(k) - std::log(n - k + 1);
  }
  return 0;
}

}  // namespace

HealthTestCutoffs HealthTestCutoffs::of(double min_entropy_per_byte, unsigned false_alarm_exponent) {
  const auto exponent = static_cast<double>(false_alarm_exponent);
  HealthTestCutoffs cutoffs;
  cutoffs.repetition = 1 + static_cast<unsigned>(std::ceil(exponent / min_entropy_per_byte));
  cutoffs.proportion = 1 + critical_hits(kWindow, std::exp2(-min_entropy_per_byte), std::exp2(-exponent));
  cutoffs.proportion = std::min(cutoffs.proportion, kWindow);
  return cutoffs;
}

HealthTests::Failure HealthTests::look_at(ByteView samples) {
  for (const unsigned sample : samples) {
    in_a_row_ = 1 + in_a_row_ * equal(sample, last_);
    last_ = sample;
    repetition_failed_ |= at_least(in_a_row_, cutoffs_.repetition);

    const unsigned begins = equal(window_at_, 0);
    first_ = begins * sample + (1 - begins) * first_;
    equal_to_first_ = (1 - begins) * equal_to_first_ + equal(sample, first_);
    proportion_failed_ |= at_least(equal_to_first_, cutoffs_.proportion);
    window_at_ = (window_at_ + 1) % HealthTestCutoffs::kWindow;
  }
  if (repetition_failed_ != 0) return Failure::repetition_count;
  return proportion_failed_ != 0 ? Failure::adaptive_proportion : Failure::none;
}

}  // namespace dske::hub
