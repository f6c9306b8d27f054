// How a figure grows, by a straight line through its samples.
#pragma once

#include <vector>

namespace dske::bench {

struct Point {
  double x = 0;
  double y = 0;
};

/// The slope of the line with the least squared distances; 0 for less than two different x.
[[nodiscard]] double slope(const std::vector<Point>& points);

}  // namespace dske::bench
