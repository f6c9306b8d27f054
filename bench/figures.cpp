#include "bench/figures.h"

#include <fmt/core.h>

namespace dske::bench {

void Series::add(double per_second, const std::vector<Latency>& latencies) {
  per_second_.push_back(per_second);
  p50_ms_.push_back(percentile(latencies, 50).count());
  p99_ms_.push_back(percentile(latencies, 99).count());
}

Figures Series::medians() const {
  return {median(per_second_), median(p50_ms_), median(p99_ms_)};
}

void print_beside_heading() {
  fmt::print("{:<9} {:>11} {:>11} {:>10} {:>6}   {:>20} {:>6}   {:>20} {:>6}\n", "", "keys/s", "requests/s",
             "ceiling", "ratio", "p50 ms (ceiling)", "ratio", "p99 ms (ceiling)", "ratio");
}

void print_beside(const std::string& name, const Figures& measured, const Figures& ceiling, double keys) {
  const auto latency = [](double own, double other) { return fmt::format("{:.3f} ({:.3f})", own, other); };
  fmt::print("{:<9} {:>11.0f} {:>11.0f} {:>10.0f} {:>6.2f}   {:>20} {:>6.2f}   {:>20} {:>6.2f}\n", name,
             measured.per_second * keys, measured.per_second, ceiling.per_second,
             ratio(measured.per_second, ceiling.per_second), latency(measured.p50_ms, ceiling.p50_ms),
             ratio(measured.p50_ms, ceiling.p50_ms), latency(measured.p99_ms, ceiling.p99_ms),
             ratio(measured.p99_ms, ceiling.p99_ms));
  static_cast<void>(std::fflush(stdout));
}

}  // namespace dske::bench
