// The durable state of a KME. SQLite is the embedded implementation; nothing of SQL shows here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/unique_function.h"
#include "dske/bundle_context.h"
#include "dske/psrd_block.h"
#include "dske/psrd_store.h"
#include "store/block_vault.h"

namespace dske::store {

/// A hub as its PSRD files describe it.
struct HubRecord {
  HubId id;
  HubName name;
  std::string endpoint;
  ClientId client_id;  ///< this KME's id at that hub
};

/// A block shared with one hub, from the client's side.
struct HubBlock {
  HubId hub;
  PsrdBlock block;
};

/// A bundle that this KME initiated and whose hubs have not yet acknowledged it sufficiently.
struct PostedBundle {
  BundleId id;
  std::vector<HubId> hubs;
  DurableDeadline expires;
};

/// The keys of a bundle, held for this KME's slave SAEs.
struct HeldBundle {
  BundleContext context;
  SecretBytes keys;  ///< S: key_count keys of key_size_bytes each
  DurableDeadline expires;
  /// For each slave SAE the indices of the keys that were delivered to it.
  std::map<SaeId, std::vector<std::uint16_t>> delivered;
};

/// Keys of one held bundle that were delivered to one SAE.
struct Delivery {
  BundleName bundle;
  SaeId sae_id;
  std::vector<std::uint16_t> indices;
  /// Those of the bundle's slaves that this KME serves; empty if that is not known.
  std::vector<SaeId> local_slaves;
};

/// A bundle that this KME initiated ahead of demand, for one slave SAE, without its keys. The keys below
/// `first` have been leased for issue: they may have been given to the master.
struct ReadyEntry {
  BundleId id;
  SaeId master;
  SaeId slave;
  ClientName slave_client;
  std::uint8_t shares_required = 0;
  std::uint32_t key_size_bytes = 0;
  std::uint32_t key_count = 0;
  std::uint32_t first = 0;
  DurableDeadline expires;
};

/// The same with those of its keys that are not leased, one after the other.
struct ReadyBundle {
  ReadyEntry entry;
  SecretBytes keys;
};

/// Leases a bundle's keys up to the one before `end` for issue.
struct ReadyLease {
  BundleId bundle;
  std::uint32_t end = 0;
};

/// What a lease gave: the keys from `first` to the lease's end, fewer than were expected or none if some were
/// lost (a lease that failed when it was durable already, damage).
struct ReadyLeased {
  std::uint32_t first = 0;
  SecretBytes keys;
};

/// Keys from `first` on that were leased and given to nobody.
struct ReadyReturn {
  BundleId bundle;
  std::uint32_t first = 0;
  SecretBytes keys;
};

/// Thread-safe. Calls return at once and never wait for the disk; callbacks run on a thread of the store,
/// after what they report is durable. Errors are ErrorKind::io or corrupt (disk full, damaged) unless said
/// otherwise.
class KmeStore : public PsrdStore {
 public:
  template <class T>
  using Answer = UniqueFunction<void(Result<T>)>;

  /// What a KME reads once at its start. Bundles whose lifetime has ended are not among it.
  struct Contents {
    std::vector<HubRecord> hubs;
    std::vector<HubBlock> blocks;
    std::vector<PostedBundle> unacknowledged;
    std::vector<HeldBundle> held;
    /// Those with keys that are not leased, the oldest first. All of them are dropped in a set-back.
    std::vector<ReadyEntry> ready;
    /// As HubStore::Contents.
    std::vector<BlockId> dropped_after_set_back;
  };

  /// Makes an empty store. As HubStore::create.
  [[nodiscard]] static Result<void> create(const std::filesystem::path& state_dir,
                                           const SecretBytes& node_key);
  /// As HubStore::open.
  [[nodiscard]] static Result<std::unique_ptr<KmeStore>> open(const std::filesystem::path& state_dir,
                                                              const SecretBytes& node_key);
  ~KmeStore() override = default;

  [[nodiscard]] virtual Result<Contents> load() = 0;

  /// As HubStore.
  [[nodiscard]] virtual Result<std::unique_ptr<BlockWriter>> write_block(const BlockId& block,
                                                                         const PsrdLayout& layout) = 0;
  /// Whether a block of this id was ever ingested.
  virtual void knows_block(BlockId block, Answer<bool> done) = 0;
  /// Adds a block that was written to its end, and the hub if it is new (its name, endpoint and client id are
  /// updated if not); answers the block as it is now. ErrorKind::conflict if a block of this id was ever
  /// ingested.
  virtual void ingest_block(HubRecord hub, std::unique_ptr<BlockWriter> written, Answer<PsrdBlock> done) = 0;
  /// Wipes and removes a block; that it was ingested is remembered for ever.
  virtual void drop_block(BlockId block, Answer<void> done) = 0;
  /// Wipes and removes all blocks of a hub and forgets the hub; that its blocks were ingested is remembered
  /// for ever.
  virtual void forget_hub(HubId hub, Answer<void> done) = 0;
  /// A number greater than all that this hub was ever given, durable before it is answered.
  virtual void next_registration_number(HubId hub, Answer<std::uint64_t> done) = 0;

  /// Records that a bundle is about to be posted.
  virtual void begin_bundle(PostedBundle bundle, Answer<void> done) = 0;
  /// Records that enough hubs acknowledged it: its keys may go to the master.
  virtual void acknowledge_bundle(BundleId id, Answer<void> done) = 0;
  /// Forgets a bundle that was withdrawn or whose lifetime is over.
  virtual void forget_bundle(BundleId id, Answer<void> done) = 0;

  /// Holds a bundle for local slave SAEs. ErrorKind::conflict if it is held already.
  virtual void hold_bundle(HeldBundle bundle, Answer<void> done) = 0;
  /// Records deliveries, all in one transaction or none. A bundle all of whose keys have been delivered to
  /// each of its local slaves is wiped and removed. Bundles that are not held (any more) are passed over;
  /// ErrorKind::invalid if one has no such key.
  virtual void record_deliveries(std::vector<Delivery> deliveries, Answer<void> done) = 0;
  /// Keeps the keys of a bundle for their master. ErrorKind::conflict if they are kept already.
  virtual void add_ready(ReadyBundle bundle, Answer<void> done) = 0;
  /// Leases keys for issue and reads them; answered in the order of `leases`, when they are no longer in the
  /// store, so that no later run can issue them again.
  virtual void lease_ready(std::vector<ReadyLease> leases, Answer<std::vector<ReadyLeased>> done) = 0;
  /// Takes back the last ones of what was leased of each bundle. Bundles that were dropped are ignored.
  virtual void return_ready(std::vector<ReadyReturn> returns, Answer<void> done) = 0;
  /// Wipes and removes bundles, or what is left of them. Unknown ones are ignored.
  virtual void drop_ready(std::vector<BundleId> bundles, Answer<void> done) = 0;

  /// Wipes and removes what has outlived its lifetime. Answers the held bundles that went.
  virtual void expire(Answer<std::vector<BundleName>> done) = 0;
};

}  // namespace dske::store
