// The state of one pair of SAEs in the key store. Internal to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "kme/key_store.h"

namespace dske::kme {

// A bundle with keys that nobody was given.
struct KeyStore::Bundle {
  BundleId id;
  std::uint32_t first = 0;  // those below are leased
  std::uint32_t end = 0;
  MonotonicTime expires;
};

struct KeyStore::Pair {
  struct Waiting {
    std::uint32_t number;
    Taken done;
  };

  etsi014::SaePair saes;
  bool configured = false;
  std::shared_ptr<LeasedKeys> leased;
  LeaseWindow window;
  KeyDemand demand;
  std::uint32_t largest = 0;  // request
  std::optional<MonotonicTime> asked_at;
  std::optional<ClientName> slave_client;  // of the bundles

  std::deque<Bundle> ready;    // with keys on disk, the oldest first
  std::deque<BundleId> spent;  // all keys leased, the oldest first; the store has their rows still
  std::uint32_t on_disk = 0;   // keys of `ready`
  std::vector<Waiting> waiting;
  bool leasing = false;

  bool filling = false;  // until the target is reached
  bool waits_to_fill = false;
  std::size_t bundles_under_way = 0;
  std::uint32_t keys_under_way = 0;
  MonotonicTime retry_at;
  std::chrono::seconds retry_after{0};

  MonotonicTime look_at = PairAgenda<Pair>::kNever;  // the agenda's

  [[nodiscard]] std::uint32_t level() const { return on_disk + leased->available(); }
  /// Whether `there` keys, ready and under way, are too few for a target.
  [[nodiscard]] static bool is_low(std::uint32_t there, std::uint32_t target) {
    return there <= target / 2 && there < target;
  }
};

}  // namespace dske::kme
