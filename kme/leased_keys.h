// The keys that are leased for issue: what an HTTP worker gives to masters without asking anybody.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/secret.h"
#include "dske/bundle_context.h"
#include "etsi014/key_container.h"
#include "etsi014/key_request.h"

namespace dske::kme {

/// Some of one bundle's keys. The lease is durable: no later run of this KME issues them again.
struct LeasedBatch {
  BundleId bundle;
  std::uint32_t first = 0;  ///< index of the first key
  SecretBytes keys;         ///< from `first` on, one after the other
  MonotonicTime not_after;  ///< from then on they are too old to be handed out
};

/// The leased keys of one pair of SAEs, all of one size. Thread-safe: take() is for any number of threads, no
/// lock is held across a call of the system.
class LeasedKeys {
 public:
  explicit LeasedKeys(std::size_t key_size_bytes) : key_size_bytes_(key_size_bytes) {}

  /// `number` keys, each given out once; nothing if there are not as many.
  [[nodiscard]] std::optional<std::vector<etsi014::Key>> take(std::uint32_t number, MonotonicTime now);
  void add(LeasedBatch batch);
  /// Whether fewer are left than are wanted, for the first caller after each call of want().
  [[nodiscard]] bool should_tend();
  /// From now on should_tend() tells when there are fewer than `least`.
  void want(std::uint32_t least);

  [[nodiscard]] std::size_t key_size_bytes() const { return key_size_bytes_; }
  [[nodiscard]] std::uint32_t available() const { return available_; }
  /// The bundle whose keys are given out next: of those added before it none is left.
  [[nodiscard]] std::optional<BundleId> oldest();
  /// Whether keys were given out, for the first caller after each call of count_taken().
  [[nodiscard]] bool first_taken();
  /// How many were given out since the last call.
  [[nodiscard]] std::uint64_t count_taken();
  /// Takes away what nobody was given, the first key of each bundle first.
  [[nodiscard]] std::vector<LeasedBatch> take_back();
  /// When the first of them will be too old; nothing if there are none.
  [[nodiscard]] std::optional<MonotonicTime> first_not_after();
  /// Wipes what is too old. Returns how many keys that were.
  std::uint32_t drop_old(MonotonicTime now);

 private:
  const std::size_t key_size_bytes_;
  std::atomic<std::uint32_t> available_ = 0;
  std::atomic<std::uint32_t> least_ = 0;
  std::atomic<bool> told_ = true;
  std::atomic<std::uint64_t> taken_ = 0;
  std::atomic<bool> taken_told_ = false;
  Mutex mutex_;
  std::deque<LeasedBatch> batches_ GUARDED_BY(mutex_);
  std::size_t offset_ GUARDED_BY(mutex_) = 0;  // of the next key in the first batch, in bytes
};

/// Finds the leased keys of a pair. Thread-safe; sharded, so that threads seldom meet.
class LeasedKeysByPair {
 public:
  /// Null if there are none.
  [[nodiscard]] std::shared_ptr<LeasedKeys> find(const etsi014::SaePair& pair);
  void add(const etsi014::SaePair& pair, std::shared_ptr<LeasedKeys> keys);
  void remove(const etsi014::SaePair& pair);

 private:
  struct Hash {
    std::size_t operator()(const etsi014::SaePair& pair) const noexcept;
  };
  struct Shard {
    Mutex mutex;
    std::unordered_map<etsi014::SaePair, std::shared_ptr<LeasedKeys>, Hash> pairs GUARDED_BY(mutex);
  };
  static constexpr std::size_t kShards = 16;
  [[nodiscard]] Shard& shard_of(const etsi014::SaePair& pair) { return shards_[Hash()(pair) % kShards]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace dske::kme
