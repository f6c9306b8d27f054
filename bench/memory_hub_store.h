// What a relay needs of durable storage, in memory: to measure what the protocol alone takes.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/event_loop.h"
#include "dske/initiator.h"
#include "store/hub_store.h"

namespace dske::bench {

/// Answers leases from blocks that lie in memory. Lives on the event loop.
class MemoryPsrd {
 public:
  explicit MemoryPsrd(EventLoop& loop) : loop_(loop) {}
  void add_block(const PsrdBlock& block) { blocks_[block.id] = block.bytes; }
  void extend_leases(const std::vector<PsrdLease>& leases, PsrdStore::Leased done);

 private:
  EventLoop& loop_;
  std::map<BlockId, std::shared_ptr<PsrdBytes>> blocks_;
};

/// A client's.
class MemoryClientStore final : public PsrdStore, public RegistrationStore, public InitiatorStore {
 public:
  explicit MemoryClientStore(EventLoop& loop) : loop_(loop), psrd_(loop) {}
  void add_block(const PsrdBlock& block) { psrd_.add_block(block); }

  void extend_leases(std::vector<PsrdLease> leases, Leased done) override {
    psrd_.extend_leases(leases, std::move(done));
  }
  void return_leases(std::vector<PsrdReturn> returns, PsrdStore::Done done) override;
  void raise_floors(std::vector<PsrdFloor> floors, PsrdStore::Done done) override;
  void next_registration_number(const HubId& hub, UniqueFunction<void(Result<std::uint64_t>)> done) override;
  void begin_bundle(const BundleId& id, std::vector<HubId> hubs, MonotonicTime expires,
                    InitiatorStore::Done done) override;
  void acknowledge_bundle(const BundleId& id, InitiatorStore::Done done) override;
  void forget_bundle(const BundleId& id, InitiatorStore::Done done) override;

 private:
  EventLoop& loop_;
  MemoryPsrd psrd_;
  std::uint64_t registrations_ = 0;
};

/// A hub's. What an operator changes is ErrorKind::internal here: nobody does while a benchmark runs.
class MemoryHubStore final : public store::HubStore {
 public:
  explicit MemoryHubStore(EventLoop& loop) : loop_(loop), psrd_(loop) {}
  void add_block(const PsrdBlock& block) { psrd_.add_block(block); }

  Result<Contents> load() override;
  void extend_leases(std::vector<PsrdLease> leases, Leased done) override {
    psrd_.extend_leases(leases, std::move(done));
  }
  void return_leases(std::vector<PsrdReturn> returns, Done done) override;
  void raise_floors(std::vector<PsrdFloor> floors, Done done) override;

  void register_client(store::RegistrationRecord registration, Answer<void> done) override;
  void add_share(store::ShareRecord share, std::vector<ClientName> claimants, Answer<void> done) override;
  void load_share(BundleName bundle, ClientName claimant, Answer<store::ShareRecord> done) override;
  void withdraw_share(BundleName bundle, Answer<std::uint64_t> done) override;
  void confirm(ClientName claimant, std::vector<BundleName> bundles,
               Answer<std::vector<store::WaitingAmount>> done) override;

  void put_client(ClientName name, ClientId new_id, std::vector<SaeId> sae_ids,
                  Answer<store::ClientRecord> done) override;
  void change_saes(ClientName name, std::vector<SaeId> bind, std::vector<SaeId> unbind,
                   Answer<store::ClientRecord> done) override;
  void set_client_enabled(ClientName name, bool enabled, Answer<store::ClientRecord> done) override;
  void remove_client(ClientName name, Answer<std::vector<store::WaitingAmount>> done) override;
  void revoke_blocks(std::vector<BlockId> blocks, Answer<std::vector<store::RevokedBlock>> done) override;
  void revoke_all_blocks(ClientName client, Answer<std::vector<store::RevokedBlock>> done) override;
  Result<std::unique_ptr<store::BlockWriter>> write_block(const BlockId& block,
                                                          const PsrdLayout& layout) override;
  void add_block(ClientName client, std::unique_ptr<store::BlockWriter> written,
                 Answer<PsrdBlock> done) override;
  void leave(ClientName client, store::Leaving how, Answer<std::vector<store::WaitingAmount>> done) override;
  void pending(ClientName claimant, std::uint64_t cursor, std::size_t most,
               Answer<store::PendingShares> done) override;
  void expire(Answer<std::vector<store::WaitingAmount>> done) override;

 private:
  EventLoop& loop_;
  MemoryPsrd psrd_;
  std::map<BundleName, store::ShareRecord> shares_;  // each has one claimant
};

}  // namespace dske::bench
