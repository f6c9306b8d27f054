// What was delivered to slave SAEs, on its way to the store.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/mutex.h"
#include "kme/held_keys.h"
#include "kme/loop_store.h"

namespace dske::kme {

/// Gathers deliveries for 20 milliseconds and records them in one transaction. What a crash loses of them
/// lets the same SAE ask for these keys again, and nobody else.
class DeliveryRecords {
 public:
  /// The references must outlive it and the loop's tasks.
  DeliveryRecords(LoopStore& store, EventLoop& loop) : store_(store), loop_(loop) {}

  /// From any thread; never waits, and wakes the loop once for all that is gathered.
  void add(const SaeId& sae, const HeldKeys::Part& part);
  /// Hands over to the store what was gathered. On the loop.
  void flush();

 private:
  struct Gathered {
    std::shared_ptr<const HeldKeys::Parties> parties;
    std::vector<std::uint16_t> indices;
  };
  using ByBundleAndSae = std::map<std::pair<BundleName, SaeId>, Gathered>;

  LoopStore& store_;
  EventLoop& loop_;
  Mutex mutex_;
  ByBundleAndSae gathered_ GUARDED_BY(mutex_);
  std::size_t keys_ GUARDED_BY(mutex_) = 0;
};

}  // namespace dske::kme
