#include "bench/latency.h"

#include <algorithm>
#include <cmath>

namespace dske::bench {

Latency percentile(std::vector<Latency> latencies, double percent) {
  if (latencies.empty()) return Latency(0);
  const auto rank =
      static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(latencies.size())));
  const auto nth =
      latencies.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, latencies.size()) - 1);
  std::nth_element(latencies.begin(), nth, latencies.end());
  return *nth;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double ratio(double value, double ceiling) {
  return ceiling > 0 ? value / ceiling : 0;
}

}  // namespace dske::bench
