#include "bench/hub_client_store.h"

#include <utility>

namespace dske::bench {

void HubClientStore::add(const BlockId& block, std::shared_ptr<PsrdBytes> bytes) {
  blocks_[block] = std::move(bytes);
}

void HubClientStore::extend_leases(std::vector<PsrdLease> leases, Leased done) {
  loop_.post([this, leases = std::move(leases), done = std::move(done)]() mutable {
    std::vector<SecretBytes> leased;
    for (const PsrdLease& lease : leases) {
      const auto block = blocks_.find(lease.block);
      if (block == blocks_.end()) return done(Error{ErrorKind::not_found, "no such block"});
      auto bytes = block->second->read(lease.begin, lease.end - lease.begin);
      if (!bytes) return done(bytes.error());
      leased.push_back(std::move(*bytes));
    }
    done(std::move(leased));
  });
}

void HubClientStore::return_leases(std::vector<PsrdReturn> /*returns*/, Done done) {
  loop_.post([done = std::move(done)]() mutable { done({}); });
}

void HubClientStore::raise_floors(std::vector<PsrdFloor> /*floors*/, Done done) {
  loop_.post([done = std::move(done)]() mutable { done({}); });
}

void HubClientStore::next_registration_number(const HubId& /*hub*/,
                                              UniqueFunction<void(Result<std::uint64_t>)> done) {
  loop_.post([number = ++registrations_, done = std::move(done)]() mutable { done(number); });
}

}  // namespace dske::bench
