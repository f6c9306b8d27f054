// The figures of several rounds, and how they are printed beside a ceiling's.
#pragma once

#include <string>
#include <vector>

#include "bench/latency.h"

namespace dske::bench {

struct Figures {
  double per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

/// One kind of request over the rounds.
class Series {
 public:
  void add(double per_second, const std::vector<Latency>& latencies);
  /// Each figure's median over the rounds.
  [[nodiscard]] Figures medians() const;

 private:
  std::vector<double> per_second_;
  std::vector<double> p50_ms_;
  std::vector<double> p99_ms_;
};

/// The heading of the lines that print_beside() prints.
void print_beside_heading();

/// Measured, ceiling and ratio: requests/s of the ceiling's, latencies as multiples of the ceiling's; and
/// keys/s, at `keys` per request.
void print_beside(const std::string& name, const Figures& measured, const Figures& ceiling, double keys);

}  // namespace dske::bench
