// Latencies of many calls, and what is told of them.
#pragma once

#include <chrono>
#include <vector>

namespace dske::bench {

using Latency = std::chrono::duration<double, std::milli>;

/// The value below which `percent` of the latencies lie (nearest rank); 0 without any.
[[nodiscard]] Latency percentile(std::vector<Latency> latencies, double percent);

}  // namespace dske::bench
