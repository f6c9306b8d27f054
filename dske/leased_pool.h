// A PSRD pool whose leases are made durable as it is used.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/unique_function.h"
#include "dske/psrd_pool.h"
#include "dske/psrd_store.h"

namespace dske {

/// How much PSRD two sides have left, in bytes, by zone.
struct PsrdLevels {
  std::size_t blocks = 0;
  ZoneLevel client_authenticator;
  ZoneLevel client_pad;
  ZoneLevel hub_authenticator;
  ZoneLevel hub_pad;

  /// The scarcest zone's, from 0 to 100; 0 without any block.
  [[nodiscard]] double percent() const;
};

/// Thread-safe. Keeps itself alive while the store works for it. No lock is held while a callback runs or the
/// store is called.
class LeasedPool : public std::enable_shared_from_this<LeasedPool> {
 public:
  using Done = UniqueFunction<void(Result<Reserved>)>;

  /// `store` must outlive the pool and every callback.
  [[nodiscard]] static std::shared_ptr<LeasedPool> make(Side own, PsrdStore& store);

  /// Takes `size` bytes from the own half and calls `done`: at once when they are leased, otherwise when the
  /// lease is durable. Requests of one zone are served in their order. Errors: exhausted, or what the store
  /// failed with.
  void allocate(Zone zone, std::uint64_t size, Done done);

  /// As in PsrdPool.
  void add_block(PsrdBlock block, bool allocatable);
  void set_allocatable(const BlockId& block);
  void set_aside(const BlockId& block);
  void remove_block(const BlockId& block);
  [[nodiscard]] bool has_block(const BlockId& block) const;
  [[nodiscard]] std::vector<BlockId> blocks() const;
  /// The allocatable ones: at a hub, those that the client has listed.
  [[nodiscard]] std::vector<BlockId> listed_blocks() const;
  [[nodiscard]] Result<SecretBytes> peek(Zone zone, const Allocation& allocation) const;
  [[nodiscard]] Result<SecretBytes> take(Zone zone, const Allocation& allocation);
  [[nodiscard]] Result<void> mark_taken(Zone zone, const Allocation& allocation);
  void raise_floor(const BlockId& block, Zone zone, std::uint64_t floor);
  bool skip_used(const BlockId& block, Zone zone, std::uint64_t position);
  [[nodiscard]] std::uint64_t next(const BlockId& block, Zone zone) const;
  [[nodiscard]] std::uint64_t highest_seen(const BlockId& block, Zone zone) const;

  /// Makes floors that have risen durable and wipes what lies below on disk. For a timer; losing the last
  /// moments of it is harmless.
  void settle_floors();
  /// Gives back what has been leased and not used; then refuses allocations. For a clean stop.
  void close(PsrdStore::Done done);

  [[nodiscard]] PsrdLevels levels() const;
  [[nodiscard]] PsrdLevels block_levels(const BlockId& block) const;

 private:
  struct Waiter {
    std::uint64_t size;
    Done done;
  };

  LeasedPool(Side own, PsrdStore& store) : pool_(own), store_(store) {}
  void extend(Zone zone);
  void extended(Zone zone, const std::vector<PsrdLease>& leases, Result<std::vector<SecretBytes>> bytes);
  /// The leases from `index` on, each by itself; `result` is what came of those before.
  void extend_singly(Zone zone, const std::vector<PsrdLease>& leases, std::size_t index,
                     const Result<void>& result);
  /// Notes what came of leases: a damaged block is used no more, one that the store does not have is removed.
  /// Other errors are answered.
  [[nodiscard]] Result<void> note(const std::vector<PsrdLease>& leases,
                                  Result<std::vector<SecretBytes>> bytes);
  /// Serves those who wait, and ends the extension.
  void serve(Zone zone, const Result<void>& result);
  /// Serves the first who waits and answers true; ends the extension and answers false when nobody can be
  /// served. One at a time: when a callback runs, no later allocation has been made that nobody knows of yet.
  /// `waiting` of them waited when the store failed.
  bool serve_one(Zone zone, const Result<void>& result, std::size_t& waiting);
  [[nodiscard]] bool has_waiters(Zone zone) const;
  [[nodiscard]] Result<PsrdPool::Sources> locate(Zone zone, const Allocation& allocation) const;

  mutable Mutex mutex_;
  PsrdPool pool_ GUARDED_BY(mutex_);
  PerZone<std::deque<Waiter>> waiters_ GUARDED_BY(mutex_);
  PerZone<bool> extending_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  PsrdStore& store_;
};

}  // namespace dske
