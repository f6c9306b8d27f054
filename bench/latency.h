// Latencies of many calls, rates of several rounds, and what is told of them.
#pragma once

#include <chrono>
#include <vector>

namespace dske::bench {

using Latency = std::chrono::duration<double, std::milli>;

/// The value below which `percent` of the latencies lie (nearest rank); 0 without any.
[[nodiscard]] Latency percentile(std::vector<Latency> latencies, double percent);

/// The middle value, of an even number of them the mean of the two in the middle; 0 without any.
[[nodiscard]] double median(std::vector<double> values);

/// `value` / `ceiling`; 0 if the ceiling is not positive, which is no measurement.
[[nodiscard]] double ratio(double value, double ceiling);

}  // namespace dske::bench
