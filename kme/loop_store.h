// The KME's store as the protocol sees it: every callback comes back on the event loop.
#pragma once

#include "base/clock.h"
#include "base/event_loop.h"
#include "dske/hub_link.h"
#include "dske/initiator.h"
#include "dske/psrd_store.h"
#include "kme/key_store.h"
#include "store/kme_store.h"

namespace dske::kme {

/// Lives on the event loop. Both references must outlive it and its callbacks.
class LoopStore final : public PsrdStore, public RegistrationStore, public InitiatorStore, public ReadyStore {
 public:
  LoopStore(store::KmeStore& store, EventLoop& loop, const Clock& clock)
      : store_(store), loop_(loop), clock_(clock) {}

  void extend_leases(std::vector<PsrdLease> leases, PsrdStore::Leased done) override;
  void return_leases(std::vector<PsrdReturn> returns, PsrdStore::Done done) override;
  void raise_floors(std::vector<PsrdFloor> floors, PsrdStore::Done done) override;
  void next_registration_number(const HubId& hub, UniqueFunction<void(Result<std::uint64_t>)> done) override;
  void begin_bundle(const BundleId& id, std::vector<HubId> hubs, MonotonicTime expires,
                    InitiatorStore::Done done) override;
  void acknowledge_bundle(const BundleId& id, InitiatorStore::Done done) override;
  void forget_bundle(const BundleId& id, InitiatorStore::Done done) override;

  void add_ready(store::ReadyBundle bundle, UniqueFunction<void(Result<void>)> done) override;
  void lease_ready(std::vector<store::ReadyLease> leases,
                   UniqueFunction<void(Result<std::vector<store::ReadyLeased>>)> done) override;
  void return_ready(std::vector<store::ReadyReturn> returns,
                    UniqueFunction<void(Result<void>)> done) override;
  void drop_ready(std::vector<BundleId> bundles, UniqueFunction<void(Result<void>)> done) override;

  void hold_bundle(store::HeldBundle bundle, InitiatorStore::Done done);
  void record_deliveries(std::vector<store::Delivery> deliveries, InitiatorStore::Done done);
  void drop_block(const BlockId& block, InitiatorStore::Done done);
  void forget_hub(const HubId& hub, InitiatorStore::Done done);
  void expire(UniqueFunction<void(Result<std::vector<BundleName>>)> done);

  /// From now on nothing reaches the store and what is asked of it is dropped unanswered, so that the store
  /// may end before the loop does. On the loop, whence all calls come.
  void stop() { stopped_ = true; }

 private:
  /// `done`, called on the loop.
  template <class T>
  [[nodiscard]] UniqueFunction<void(Result<T>)> on_loop(UniqueFunction<void(Result<T>)> done) {
    return [this, done = std::move(done)](Result<T> result) mutable {
      loop_.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    };
  }

  store::KmeStore& store_;
  EventLoop& loop_;
  const Clock& clock_;
  bool stopped_ = false;
};

}  // namespace dske::kme
