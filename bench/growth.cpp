#include "bench/growth.h"

namespace dske::bench {

double slope(const std::vector<Point>& points) {
  if (points.empty()) return 0;
  Point mean;
  for (const Point& point : points) {
    mean.x += point.x / static_cast<double>(points.size());
    mean.y += point.y / static_cast<double>(points.size());
  }
  double covariance = 0;
  double variance = 0;
  for (const Point& point : points) {
    covariance += (point.x - mean.x) * (point.y - mean.y);
    variance += (point.x - mean.x) * (point.x - mean.x);
  }
  return variance > 0 ? covariance / variance : 0;
}

}  // namespace dske::bench
