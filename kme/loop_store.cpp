#include "kme/loop_store.h"

#include <utility>

namespace dske::kme {

void LoopStore::extend_leases(std::vector<PsrdLease> leases, PsrdStore::Leased done) {
  if (stopped_) return;
  store_.extend_leases(std::move(leases), on_loop(std::move(done)));
}

void LoopStore::return_leases(std::vector<PsrdReturn> returns, PsrdStore::Done done) {
  if (stopped_) return;
  store_.return_leases(std::move(returns), on_loop(std::move(done)));
}

void LoopStore::raise_floors(std::vector<PsrdFloor> floors, PsrdStore::Done done) {
  if (stopped_) return;
  store_.raise_floors(std::move(floors), on_loop(std::move(done)));
}

void LoopStore::next_registration_number(const HubId& hub, UniqueFunction<void(Result<std::uint64_t>)> done) {
  if (stopped_) return;
  store_.next_registration_number(hub, on_loop(std::move(done)));
}

void LoopStore::begin_bundle(const BundleId& id, std::vector<HubId> hubs, MonotonicTime expires,
                             InitiatorStore::Done done) {
  if (stopped_) return;
  store_.begin_bundle({id, std::move(hubs), DurableDeadline::at(expires, clock_)}, on_loop(std::move(done)));
}

void LoopStore::acknowledge_bundle(const BundleId& id, InitiatorStore::Done done) {
  if (stopped_) return;
  store_.acknowledge_bundle(id, on_loop(std::move(done)));
}

void LoopStore::forget_bundle(const BundleId& id, InitiatorStore::Done done) {
  if (stopped_) return;
  store_.forget_bundle(id, on_loop(std::move(done)));
}

void LoopStore::add_ready(store::ReadyBundle bundle, UniqueFunction<void(Result<void>)> done) {
  if (stopped_) return;
  store_.add_ready(std::move(bundle), on_loop(std::move(done)));
}

void LoopStore::lease_ready(std::vector<store::ReadyLease> leases,
                            UniqueFunction<void(Result<std::vector<store::ReadyLeased>>)> done) {
  if (stopped_) return;
  store_.lease_ready(std::move(leases), on_loop(std::move(done)));
}

void LoopStore::return_ready(std::vector<store::ReadyReturn> returns,
                             UniqueFunction<void(Result<void>)> done) {
  if (stopped_) return;
  store_.return_ready(std::move(returns), on_loop(std::move(done)));
}

void LoopStore::drop_ready(std::vector<BundleId> bundles, UniqueFunction<void(Result<void>)> done) {
  if (stopped_) return;
  store_.drop_ready(std::move(bundles), on_loop(std::move(done)));
}

void LoopStore::hold_bundle(store::HeldBundle bundle, InitiatorStore::Done done) {
  if (stopped_) return;
  store_.hold_bundle(std::move(bundle), on_loop(std::move(done)));
}

void LoopStore::record_deliveries(std::vector<store::Delivery> deliveries, InitiatorStore::Done done) {
  if (stopped_) return;
  store_.record_deliveries(std::move(deliveries), on_loop(std::move(done)));
}

void LoopStore::drop_block(const BlockId& block, InitiatorStore::Done done) {
  if (stopped_) return;
  store_.drop_block(block, on_loop(std::move(done)));
}

void LoopStore::forget_hub(const HubId& hub, InitiatorStore::Done done) {
  if (stopped_) return;
  store_.forget_hub(hub, on_loop(std::move(done)));
}

void LoopStore::expire(UniqueFunction<void(Result<std::vector<BundleName>>)> done) {
  if (stopped_) return;
  store_.expire(on_loop(std::move(done)));
}

}  // namespace dske::kme
