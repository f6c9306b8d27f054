#include <fmt/core.h>

#include "bench/micro_figures.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  constexpr double kGigabyte = 1e9;
  fmt::print(stderr, "memory is copied at {:.2f} GB/s; of_memory is the ratio to it\n",
             dske::bench::memory_bandwidth() / kGigabyte);
  dske::bench::RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}
