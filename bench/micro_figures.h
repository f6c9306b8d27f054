// What the micro-benchmarks tell beside the time.
#pragma once

#include <vector>

#include <benchmark/benchmark.h>

namespace dske::bench {

/// Bytes per second at which memory is copied: the best of several copies of 64 MiB, which no cache holds;
/// in CPU time, measured at the first call.
[[nodiscard]] double memory_bandwidth();

/// Bytes that each iteration has worked on.
inline void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

/// Prints, beside the bytes per second, their ratio `of_memory` to memory_bandwidth(). What fits into caches
/// may be faster than memory.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  RatioReporter() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override;
};

/// Argument number `index`.
[[nodiscard]] inline std::size_t argument(const benchmark::State& state, std::size_t index) {
  return static_cast<std::size_t>(state.range(index));
}

// The secret of a bundle of 1 and of 128 keys of 256 bits, and the largest.
inline constexpr std::int64_t kOneKey = 32 + 32;
inline constexpr std::int64_t kManyKeys = 32 + 128 * 32;
inline constexpr std::int64_t kLargest = std::int64_t{1} << 20;

}  // namespace dske::bench
