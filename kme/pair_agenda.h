// When which pairs are looked at.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace dske::kme {

/// At most one time for each pair, known by its address. Each call takes time logarithmic in their number.
template <class Pair>
class PairAgenda {
 public:
  static constexpr MonotonicTime kNext = MonotonicTime::min();   ///< the next time that any are looked at
  static constexpr MonotonicTime kNever = MonotonicTime::max();  ///< unless something happens to the pair

  /// Replaces the time at which the pair is looked at.
  void set(Pair& pair, MonotonicTime time) {
    if (pair.look_at == time) return;
    remove(pair);
    pair.look_at = time;
    if (time != kNever) due_.insert({time, &pair});
  }
  void remove(Pair& pair) {
    due_.erase({pair.look_at, &pair});
    pair.look_at = kNever;
  }
  /// Takes out the pairs whose time has come.
  [[nodiscard]] std::vector<Pair*> take_due(MonotonicTime now) {
    std::vector<Pair*> taken;
    while (!due_.empty() && due_.begin()->first <= now) {
      Pair& pair = *due_.begin()->second;
      taken.push_back(&pair);
      remove(pair);
    }
    return taken;
  }

 private:
  std::set<std::pair<MonotonicTime, Pair*>> due_;
};

}  // namespace dske::kme
