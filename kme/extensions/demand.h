// What an extension asks of the bundle that a request is answered with.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace dske::kme {

/// As made, it asks nothing.
struct Demand {
  /// By so much a bundle's lifetime is shorter than the age that its keys may reach. Hubs and the slaves'
  /// KMEs count a lifetime from when they hear of it, and a share may be under way for five seconds to the
  /// hub and five from it before the call is given up; whole seconds are rounded.
  static constexpr std::chrono::seconds kUnderWay{12};

  std::chrono::seconds max_age = std::chrono::seconds::max();  ///< of a key that is handed out
  std::size_t shares_required = 0;  ///< fewer hubs together must not be able to rebuild a key
  std::size_t hubs = 0;             ///< that have stored their share durably before the answer

  /// How many hubs each slave's KME must be able to use.
  [[nodiscard]] std::size_t hubs_needed() const { return std::max(shares_required, hubs); }

  /// The lifetime of the bundle, of which `usual` is the most.
  [[nodiscard]] std::chrono::seconds lifetime(std::chrono::seconds usual) const {
    return std::min(usual, max_age - kUnderWay);
  }

  /// Asks what `other` asks, too.
  void add(const Demand& other) {
    max_age = std::min(max_age, other.max_age);
    shares_required = std::max(shares_required, other.shares_required);
    hubs = std::max(hubs, other.hubs);
  }
};

}  // namespace dske::kme
