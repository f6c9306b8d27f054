// Shares as points, for the tests of sharing and decoding.
#pragma once

#include <vector>

#include "dske/secret_sharing.h"

namespace dske::test {

/// Points that own their shares and can be spoiled.
struct OwnedPoint {
  std::uint8_t x;
  Bytes share;
};

inline std::vector<OwnedPoint> owned(const std::vector<SecretBytes>& shares) {
  std::vector<OwnedPoint> points;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const ByteView share = shares[i].view();
    points.push_back({static_cast<std::uint8_t>(i + 1), Bytes(share.begin(), share.end())});
  }
  return points;
}

/// Valid as long as `points`.
inline std::vector<SharePoint> views(const std::vector<OwnedPoint>& points) {
  std::vector<SharePoint> result;
  result.reserve(points.size());
  for (const OwnedPoint& point : points) result.push_back({point.x, point.share});
  return result;
}

/// Calls use(subset) for every choice of k of the points.
template <class Use>
void for_each_subset(const std::vector<SharePoint>& points, std::size_t k, Use use) {
  for (std::uint32_t mask = 0; mask < (1U << points.size()); ++mask) {
    std::vector<SharePoint> subset;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if ((mask >> i & 1) != 0) subset.push_back(points[i]);
    }
    if (subset.size() == k) use(subset);
  }
}

}  // namespace dske::test
