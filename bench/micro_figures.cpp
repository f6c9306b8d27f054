#include "bench/micro_figures.h"

#include <algorithm>
#include <cstring>

#include "bench/process_figures.h"

namespace dske::bench {
namespace {

double measure() {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  constexpr int kCopies = 8;
  const std::vector<char> from(kBytes, 'x');
  std::vector<char> to(kBytes, 'y');
  double best = 0;
  for (int i = 0; i < kCopies; ++i) {
    const double begun = thread_seconds();
    std::memcpy(to.data(), from.data(), kBytes);
    benchmark::ClobberMemory();
    best = std::max(best, static_cast<double>(kBytes) / (thread_seconds() - begun));
  }
  return best;
}

}  // namespace

double memory_bandwidth() {
  static const double bandwidth = measure();
  return bandwidth;
}

void RatioReporter::ReportRuns(const std::vector<Run>& runs) {
  std::vector<Run> with_ratio = runs;
  for (Run& run : with_ratio) {
    const auto found = run.counters.find("bytes_per_second");
    if (found != run.counters.end()) run.counters["of_memory"] = found->second.value / memory_bandwidth();
  }
  ConsoleReporter::ReportRuns(with_ratio);
}

}  // namespace dske::bench
