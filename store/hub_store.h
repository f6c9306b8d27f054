// The durable state of a hub. SQLite is the embedded implementation; nothing of SQL shows here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/unique_function.h"
#include "dske/bundle_context.h"
#include "dske/psrd_block.h"
#include "dske/psrd_store.h"
#include "dske/secret_tag.h"
#include "store/block_vault.h"

namespace dske::store {

/// A client as the hub's operator made it.
struct ClientRecord {
  ClientName name;
  ClientId id;
  std::vector<SaeId> sae_ids;
  std::uint64_t registration_number = 0;  ///< the greatest one accepted; 0: it never registered
  bool registered = false;                ///< it has, and has a block that it listed: it has not left since
  bool enabled = true;                    ///< false: the hub refuses what it sends
};

/// A block of one client, from the hub's side.
struct ClientBlock {
  ClientName client;
  PsrdBlock block;
  bool listed = false;  ///< the client has listed it in a registration, so it has ingested it
};

/// A block that the hub's operator revoked: its bytes are gone, its id is known for ever.
struct RevokedBlock {
  BlockId id;
  ClientName client;
};

/// One share that waits for its responders.
struct ShareRecord {
  BundleContext context;
  SecretBytes share;  ///< not encrypted: under the pad it travels only
  SecretTag secret_tag{};
  DurableDeadline expires;
};

/// What one accepted registration changes, all or nothing.
struct RegistrationRecord {
  ClientName client;
  std::uint64_t number = 0;
  std::vector<PsrdFloor> floors;
  std::vector<BlockId> listed;   ///< blocks that the client holds
  std::vector<BlockId> dropped;  ///< blocks that it held and holds no longer: wiped and removed
};

/// What becomes of a client's PSRD when it leaves.
enum class Leaving {
  keep_psrd,  ///< it may register again with the same blocks
  wipe_psrd,  ///< the blocks that it listed are wiped and removed, and its claims end
};

/// How much waits for one initiator's responders.
struct WaitingAmount {
  ClientName initiator;
  std::uint64_t bundles = 0;
  std::uint64_t share_bytes = 0;
};

/// Shares that wait for a client.
struct PendingShares {
  std::vector<BundleName> bundles;
  std::uint64_t cursor = 0;  ///< what comes later comes after it
  bool more = false;         ///< whether some have come after it already
};

/// Thread-safe. Calls return at once and never wait for the disk; callbacks run on a thread of the store,
/// after what they report is durable. Errors are ErrorKind::io or corrupt (disk full, damaged) unless said
/// otherwise.
class HubStore : public PsrdStore {
 public:
  template <class T>
  using Answer = UniqueFunction<void(Result<T>)>;

  /// What a hub reads once at its start.
  struct Contents {
    HubId hub_id;
    std::vector<ClientRecord> clients;
    std::vector<ClientBlock> blocks;
    std::vector<RevokedBlock> revoked_blocks;
    std::vector<WaitingAmount> waiting;
    /// Blocks that were dropped just now because the store had been set back to an earlier state (a marker
    /// outside it was ahead): they may have been used since.
    std::vector<BlockId> dropped_after_set_back;
  };

  /// Makes an empty store for a new hub. `node_key`, of Sealer::kKeyBytes: under which all secrets are
  /// sealed. ErrorKind::conflict if there is one.
  [[nodiscard]] static Result<void> create(const std::filesystem::path& state_dir,
                                           const SecretBytes& node_key, const HubId& hub_id);
  /// Opens the store in `state_dir`; the caller holds the directory's lock. Blocks. ErrorKind::not_found if
  /// there is none; refuses a store of another schema, or made with another node key.
  [[nodiscard]] static Result<std::unique_ptr<HubStore>> open(const std::filesystem::path& state_dir,
                                                              const SecretBytes& node_key);
  /// Finishes what has been submitted, then closes.
  ~HubStore() override = default;

  /// Reads everything above; blocks. To be called once, before anything else.
  [[nodiscard]] virtual Result<Contents> load() = 0;

  /// Makes the client if there is none (with `new_id`) and binds the SAE IDs. ErrorKind::conflict if one is
  /// bound to another client.
  virtual void put_client(ClientName name, ClientId new_id, std::vector<SaeId> sae_ids,
                          Answer<ClientRecord> done) = 0;
  /// Binds and unbinds SAE IDs, all or nothing. ErrorKind::not_found if there is no such client or one to
  /// unbind is not bound to it, conflict if one to bind is bound to another client.
  virtual void change_saes(ClientName name, std::vector<SaeId> bind, std::vector<SaeId> unbind,
                           Answer<ClientRecord> done) = 0;
  /// ErrorKind::not_found if there is no such client.
  virtual void set_client_enabled(ClientName name, bool enabled, Answer<ClientRecord> done) = 0;
  /// Removes a client with its SAE IDs, its claims, the shares that it posted or that waited for it alone,
  /// and its blocks, all wiped; their ids stay known. Answers, per initiator, what no longer waits.
  /// ErrorKind::not_found if there is no such client.
  virtual void remove_client(ClientName name, Answer<std::vector<WaitingAmount>> done) = 0;
  /// Wipes and removes blocks, all or none, and remembers that they were revoked; those that were revoked
  /// before stay so. ErrorKind::not_found, with its id, if a block is not here (any more).
  virtual void revoke_blocks(std::vector<BlockId> blocks, Answer<std::vector<RevokedBlock>> done) = 0;
  /// The same of all blocks of a client; ErrorKind::not_found if there is no such client.
  virtual void revoke_all_blocks(ClientName client, Answer<std::vector<RevokedBlock>> done) = 0;
  /// Begins to write a new block. Waits for the disk.
  [[nodiscard]] virtual Result<std::unique_ptr<BlockWriter>> write_block(const BlockId& block,
                                                                         const PsrdLayout& layout) = 0;
  /// Adds a block that was made for a client and written to its end; answers it as it is now.
  virtual void add_block(ClientName client, std::unique_ptr<BlockWriter> written, Answer<PsrdBlock> done) = 0;
  /// ErrorKind::conflict unless the number is greater than the recorded one.
  virtual void register_client(RegistrationRecord registration, Answer<void> done) = 0;

  /// The client is registered no longer. Nothing of what it initiated changes; a share on which its claim was
  /// the last is wiped and removed. Answers as confirm().
  virtual void leave(ClientName client, Leaving how, Answer<std::vector<WaitingAmount>> done) = 0;

  /// Adds a share on which each of `claimants` that is a client here has a claim. ErrorKind::conflict if that
  /// bundle is there already, not_found if none of them is, forbidden if its initiator is not a client here:
  /// either may have been removed a moment ago.
  virtual void add_share(ShareRecord share, std::vector<ClientName> claimants, Answer<void> done) = 0;
  /// The share of a bundle, for a client with a claim on it; ErrorKind::not_found otherwise.
  virtual void load_share(BundleName bundle, ClientName claimant, Answer<ShareRecord> done) = 0;
  /// Wipes and removes a bundle's share. Answers how many share bytes went; 0 if there was none.
  virtual void withdraw_share(BundleName bundle, Answer<std::uint64_t> done) = 0;
  /// Removes the claimant's claims; shares without claims are wiped and removed. Answers, per initiator, what
  /// no longer waits.
  virtual void confirm(ClientName claimant, std::vector<BundleName> bundles,
                       Answer<std::vector<WaitingAmount>> done) = 0;
  /// Up to `most` bundles on which the client has a claim, oldest first, of those that came after `cursor`; 0
  /// is the beginning. Cursors grow, and hold while the store is open.
  virtual void pending(ClientName claimant, std::uint64_t cursor, std::size_t most,
                       Answer<PendingShares> done) = 0;
  /// Wipes and removes the shares whose lifetime has ended. Answers as confirm().
  virtual void expire(Answer<std::vector<WaitingAmount>> done) = 0;
};

}  // namespace dske::store
