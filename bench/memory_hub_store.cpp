#include "bench/memory_hub_store.h"

#include <utility>

namespace dske::bench {
namespace {

const Error kNotHere{ErrorKind::internal, "not part of the benchmark"};

// Answers later, as every store does.
template <class T>
void answer(EventLoop& loop, UniqueFunction<void(Result<T>)> done, Result<T> result) {
  loop.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
}

}  // namespace

void MemoryPsrd::extend_leases(const std::vector<PsrdLease>& leases, PsrdStore::Leased done) {
  std::vector<SecretBytes> bytes;
  for (const PsrdLease& lease : leases) {
    auto read = blocks_.at(lease.block)->read(lease.begin, lease.end - lease.begin);
    if (!read) return answer<std::vector<SecretBytes>>(loop_, std::move(done), read.error());
    bytes.push_back(std::move(*read));
  }
  answer<std::vector<SecretBytes>>(loop_, std::move(done), std::move(bytes));
}

void MemoryClientStore::return_leases(std::vector<PsrdReturn> /*returns*/, PsrdStore::Done done) {
  answer<void>(loop_, std::move(done), {});
}

void MemoryClientStore::raise_floors(std::vector<PsrdFloor> /*floors*/, PsrdStore::Done done) {
  answer<void>(loop_, std::move(done), {});
}

void MemoryClientStore::next_registration_number(const HubId& /*hub*/,
                                                 UniqueFunction<void(Result<std::uint64_t>)> done) {
  answer<std::uint64_t>(loop_, std::move(done), ++registrations_);
}

void MemoryClientStore::begin_bundle(const BundleId& /*id*/, std::vector<HubId> /*hubs*/,
                                     MonotonicTime /*expires*/, InitiatorStore::Done done) {
  answer<void>(loop_, std::move(done), {});
}

void MemoryClientStore::acknowledge_bundle(const BundleId& /*id*/, InitiatorStore::Done done) {
  answer<void>(loop_, std::move(done), {});
}

void MemoryClientStore::forget_bundle(const BundleId& /*id*/, InitiatorStore::Done done) {
  answer<void>(loop_, std::move(done), {});
}

Result<store::HubStore::Contents> MemoryHubStore::load() {
  return Contents{};
}

void MemoryHubStore::return_leases(std::vector<PsrdReturn> /*returns*/, Done done) {
  answer<void>(loop_, std::move(done), {});
}

void MemoryHubStore::raise_floors(std::vector<PsrdFloor> /*floors*/, Done done) {
  answer<void>(loop_, std::move(done), {});
}

void MemoryHubStore::register_client(store::RegistrationRecord /*registration*/, Answer<void> done) {
  answer<void>(loop_, std::move(done), {});
}

void MemoryHubStore::add_share(store::ShareRecord share, std::vector<ClientName> /*claimants*/,
                               Answer<void> done) {
  BundleName name = share.context.name();
  shares_.emplace(std::move(name), std::move(share));
  answer<void>(loop_, std::move(done), {});
}

void MemoryHubStore::load_share(BundleName bundle, ClientName /*claimant*/, Answer<store::ShareRecord> done) {
  const auto found = shares_.find(bundle);
  if (found == shares_.end())
    return answer<store::ShareRecord>(loop_, std::move(done), Error{ErrorKind::not_found, "no such share"});
  const store::ShareRecord& share = found->second;
  answer<store::ShareRecord>(
      loop_, std::move(done),
      store::ShareRecord{share.context, share.share.clone(), share.secret_tag, share.expires});
}

void MemoryHubStore::withdraw_share(BundleName bundle, Answer<std::uint64_t> done) {
  const auto found = shares_.extract(bundle);
  answer<std::uint64_t>(loop_, std::move(done), found.empty() ? 0 : found.mapped().share.size());
}

void MemoryHubStore::confirm(ClientName /*claimant*/, std::vector<BundleName> bundles,
                             Answer<std::vector<store::WaitingAmount>> done) {
  std::vector<store::WaitingAmount> gone;
  for (const BundleName& bundle : bundles) {
    const auto found = shares_.extract(bundle);
    if (!found.empty()) gone.push_back({bundle.initiator, 1, found.mapped().share.size()});
  }
  answer<std::vector<store::WaitingAmount>>(loop_, std::move(done), std::move(gone));
}

void MemoryHubStore::put_client(ClientName /*name*/, ClientId /*new_id*/, std::vector<SaeId> /*sae_ids*/,
                                Answer<store::ClientRecord> done) {
  answer<store::ClientRecord>(loop_, std::move(done), kNotHere);
}

void MemoryHubStore::change_saes(ClientName /*name*/, std::vector<SaeId> /*bind*/,
                                 std::vector<SaeId> /*unbind*/, Answer<store::ClientRecord> done) {
  answer<store::ClientRecord>(loop_, std::move(done), kNotHere);
}

void MemoryHubStore::set_client_enabled(ClientName /*name*/, bool /*enabled*/,
                                        Answer<store::ClientRecord> done) {
  answer<store::ClientRecord>(loop_, std::move(done), kNotHere);
}

void MemoryHubStore::remove_client(ClientName /*name*/, Answer<std::vector<store::WaitingAmount>> done) {
  answer<std::vector<store::WaitingAmount>>(loop_, std::move(done), kNotHere);
}

void MemoryHubStore::revoke_blocks(std::vector<BlockId> /*blocks*/,
                                   Answer<std::vector<store::RevokedBlock>> done) {
  answer<std::vector<store::RevokedBlock>>(loop_, std::move(done), kNotHere);
}

void MemoryHubStore::revoke_all_blocks(ClientName /*client*/, Answer<std::vector<store::RevokedBlock>> done) {
  answer<std::vector<store::RevokedBlock>>(loop_, std::move(done), kNotHere);
}

Result<std::unique_ptr<store::BlockWriter>> MemoryHubStore::write_block(const BlockId& /*block*/,
                                                                        const PsrdLayout& /*layout*/) {
  return kNotHere;
}

void MemoryHubStore::add_block(ClientName /*client*/, std::unique_ptr<store::BlockWriter> /*written*/,
                               Answer<PsrdBlock> done) {
  answer<PsrdBlock>(loop_, std::move(done), kNotHere);
}

void MemoryHubStore::leave(ClientName /*client*/, store::Leaving /*how*/,
                           Answer<std::vector<store::WaitingAmount>> done) {
  answer<std::vector<store::WaitingAmount>>(loop_, std::move(done), kNotHere);
}

void MemoryHubStore::pending(ClientName /*claimant*/, std::uint64_t /*cursor*/, std::size_t /*most*/,
                             Answer<store::PendingShares> done) {
  answer<store::PendingShares>(loop_, std::move(done), kNotHere);
}

void MemoryHubStore::expire(Answer<std::vector<store::WaitingAmount>> done) {
  answer<std::vector<store::WaitingAmount>>(loop_, std::move(done), kNotHere);
}

}  // namespace dske::bench
