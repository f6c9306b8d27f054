// What a client holds durably, in memory alone: for clients that a benchmark plays.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "base/event_loop.h"
#include "dske/hub_link.h"
#include "dske/psrd_bytes.h"
#include "dske/psrd_store.h"

namespace dske::bench {

/// Answers at once, on the loop. Lives there.
class HubClientStore final : public PsrdStore, public RegistrationStore {
 public:
  explicit HubClientStore(EventLoop& loop) : loop_(loop) {}

  void add(const BlockId& block, std::shared_ptr<PsrdBytes> bytes);

  void extend_leases(std::vector<PsrdLease> leases, Leased done) override;
  void return_leases(std::vector<PsrdReturn> returns, Done done) override;
  void raise_floors(std::vector<PsrdFloor> floors, Done done) override;
  void next_registration_number(const HubId& hub, UniqueFunction<void(Result<std::uint64_t>)> done) override;

 private:
  EventLoop& loop_;
  std::map<BlockId, std::shared_ptr<PsrdBytes>> blocks_;
  std::uint64_t registrations_ = 0;
};

}  // namespace dske::bench
