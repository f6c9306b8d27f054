// The clients of a hub as the running daemon knows them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/names.h"
#include "dske/leased_pool.h"
#include "store/hub_store.h"

namespace dske::hub {

/// What changes of one client. Thread-safe.
class Client {
 public:
  /// `registration_number`: the greatest one accepted; `registered`: it has not left since.
  Client(ClientName name, ClientId id, std::shared_ptr<LeasedPool> pool, std::uint64_t registration_number,
         bool registered);

  [[nodiscard]] const ClientName& name() const { return name_; }
  [[nodiscard]] const ClientId& id() const { return id_; }
  [[nodiscard]] LeasedPool& pool() const { return *pool_; }

  void set_sae_ids(std::set<SaeId> sae_ids);
  [[nodiscard]] std::set<SaeId> sae_ids() const;
  [[nodiscard]] bool serves(const SaeId& sae) const;

  /// False: the operator has disabled it, and nothing that it sends is accepted.
  [[nodiscard]] bool enabled() const;
  void set_enabled(bool enabled);

  /// Blocks that the operator revoked.
  void add_revoked(const BlockId& block);
  [[nodiscard]] std::set<BlockId> revoked_blocks() const;

  /// It has registered at some time and not left since, so it can fetch.
  [[nodiscard]] bool registered() const;
  [[nodiscard]] std::uint64_t registration_number() const;
  /// Takes effect only if `number` is greater than the present one.
  void registered_as(std::uint64_t number, SecretBytes polling_key);
  /// It is not registered any more; the polling key is forgotten.
  void left();

  /// Calls `check` with the polling key of this registration. If it answers true and `counter` is greater
  /// than all before, the counter is used up; answers whether so.
  [[nodiscard]] bool accept_poll(std::uint64_t registration, std::uint64_t counter,
                                 const std::function<bool(ByteView key)>& check);
  /// Calls `use` with the polling key, if there is one.
  void with_polling_key(const std::function<void(ByteView key)>& use) const;

  /// Counts a bundle that begins to wait, within the limits; answers false if it would exceed them.
  [[nodiscard]] bool begin_waiting(std::uint64_t share_bytes, std::uint64_t bundles_most,
                                   std::uint64_t bytes_most);
  /// Counts what waits already when the hub starts.
  void add_waiting(std::uint64_t bundles, std::uint64_t share_bytes);
  void end_waiting(std::uint64_t bundles, std::uint64_t share_bytes);
  [[nodiscard]] std::uint64_t waiting_bundles() const;

 private:
  const ClientName name_;
  const ClientId id_;
  const std::shared_ptr<LeasedPool> pool_;
  mutable Mutex mutex_;
  std::set<SaeId> sae_ids_ GUARDED_BY(mutex_);
  bool enabled_ GUARDED_BY(mutex_) = true;
  std::set<BlockId> revoked_blocks_ GUARDED_BY(mutex_);
  std::uint64_t registration_number_ GUARDED_BY(mutex_);
  bool registered_ GUARDED_BY(mutex_);
  SecretBytes polling_key_ GUARDED_BY(mutex_);
  std::uint64_t polling_counter_ GUARDED_BY(mutex_) = 0;
  std::uint64_t waiting_bundles_ GUARDED_BY(mutex_) = 0;
  std::uint64_t waiting_bytes_ GUARDED_BY(mutex_) = 0;
};

/// Finds clients by name, SAE and PSRD block. Thread-safe.
class ClientRegistry {
 public:
  explicit ClientRegistry(PsrdStore& store) : store_(store) {}

  /// Fills the registry with what the store holds.
  void load(store::HubStore::Contents contents);
  /// Adds a client or updates its SAE IDs and whether it is enabled.
  std::shared_ptr<Client> put(const store::ClientRecord& record);
  /// Removes a client with its blocks: whoever still holds it can neither verify nor sign any more.
  void remove(const ClientName& name);
  /// Answers false, and adds nothing, if the client has been removed.
  bool add_block(const std::shared_ptr<Client>& client, PsrdBlock block, bool listed);
  void remove_block(const BlockId& block);

  [[nodiscard]] std::shared_ptr<Client> by_name(const ClientName& name) const;
  /// By its name or, if none has it, by its client id.
  [[nodiscard]] std::shared_ptr<Client> by_name_or_id(const ClientName& name) const;
  [[nodiscard]] std::shared_ptr<Client> by_sae(const SaeId& sae) const;
  [[nodiscard]] std::shared_ptr<Client> by_block(const BlockId& block) const;
  [[nodiscard]] std::vector<std::shared_ptr<Client>> all() const;

 private:
  PsrdStore& store_;
  mutable Mutex mutex_;
  std::map<ClientName, std::shared_ptr<Client>> clients_ GUARDED_BY(mutex_);
  std::map<SaeId, std::shared_ptr<Client>> saes_ GUARDED_BY(mutex_);
  std::unordered_map<BlockId, std::shared_ptr<Client>> blocks_ GUARDED_BY(mutex_);
};

}  // namespace dske::hub
