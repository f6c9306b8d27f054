#include "hub/client_administration.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/log.h"

namespace dske::hub {
namespace {

// The answer of a call of the store, waited for.
template <class T, class Call>
Result<T> waited(const Call& call) {
  std::promise<Result<T>> answered;
  call([&answered](Result<T> result) { answered.set_value(std::move(result)); });
  return answered.get_future().get();
}

Error no_client(const ClientName& name) {
  return {ErrorKind::not_found, "there is no client " + name.text()};
}

}  // namespace

void ClientAdministration::change_saes(ClientName name, std::vector<SaeId> bind, std::vector<SaeId> unbind,
                                       ClientAnswer done) {
  store_.change_saes(std::move(name), std::move(bind), std::move(unbind),
                     [this, done = std::move(done)](Result<store::ClientRecord> record) mutable {
                       if (!record) return done(record.error());
                       done(clients_.put(*record));
                     });
}

void ClientAdministration::set_enabled(ClientName name, bool enabled, ClientAnswer done) {
  store_.set_client_enabled(
      std::move(name), enabled, [this, done = std::move(done)](Result<store::ClientRecord> record) mutable {
        if (!record) return done(record.error());
        log::info("client {} is {}", record->name.text(), record->enabled ? "enabled" : "disabled");
        done(clients_.put(*record));
      });
}

Result<ClientAdministration::Removed> ClientAdministration::remove(const ClientName& name) {
  const auto client = clients_.by_name(name);
  if (!client) return no_client(name);
  Removed removed{client->pool().blocks().size(), files_.of(name).size()};
  using Amounts = std::vector<store::WaitingAmount>;
  const auto gone = waited<Amounts>([&](auto answer) {
    // In the store's thread: nothing that comes after it finds the client in one place and not in the other.
    store_.remove_client(name, [this, &name, answer = std::move(answer)](Result<Amounts> amounts) mutable {
      if (amounts) clients_.remove(name);
      answer(std::move(amounts));
    });
  });
  if (!gone) return gone.error();
  for (const store::WaitingAmount& amount : *gone) {
    if (const auto initiator = clients_.by_name(amount.initiator))
      initiator->end_waiting(amount.bundles, amount.share_bytes);
  }
  log::info("client {} is removed, with {} PSRD blocks", name.text(), removed.blocks);
  if (auto wiped = files_.wipe_all(name); !wiped) {
    return wiped.error().within("client " + name.text() + " is removed, but not its ready files");
  }
  return removed;
}

Result<std::vector<store::RevokedBlock>> ClientAdministration::revoke(const std::vector<BlockId>& blocks) {
  return revoked(waited<std::vector<store::RevokedBlock>>(
      [&](auto answer) { store_.revoke_blocks(blocks, std::move(answer)); }));
}

Result<std::vector<store::RevokedBlock>> ClientAdministration::revoke_all(const ClientName& client) {
  return revoked(waited<std::vector<store::RevokedBlock>>(
      [&](auto answer) { store_.revoke_all_blocks(client, std::move(answer)); }));
}

Result<std::vector<store::RevokedBlock>> ClientAdministration::revoked(
    Result<std::vector<store::RevokedBlock>> blocks) {
  if (!blocks) return blocks;
  for (const store::RevokedBlock& block : *blocks) {
    clients_.remove_block(block.id);
    if (const auto client = clients_.by_name(block.client)) client->add_revoked(block.id);
    log::info("PSRD block {} of client {} is revoked", block.id.text(), block.client.text());
  }
  for (const store::RevokedBlock& block : *blocks) {
    if (auto wiped = files_.wipe(block.client, block.id); !wiped) {
      return wiped.error().within("the blocks are revoked, but a ready file is still there");
    }
  }
  return blocks;
}

Result<void> ClientAdministration::check_without_psrd(const ClientName& name) const {
  const auto client = clients_.by_name(name);
  if (!client) return no_client(name);
  const std::vector<ReadyFile> ready = files_.of(name);
  const std::vector<BlockId> blocks = client->pool().blocks();
  const bool all_ready = std::all_of(blocks.begin(), blocks.end(), [&](const BlockId& block) {
    return std::any_of(ready.begin(), ready.end(),
                       [&](const ReadyFile& file) { return file.block == block; });
  });
  if (all_ready && !client->registered()) return {};
  return Error{ErrorKind::conflict,
               "client " + name.text() + " has had PSRD already; --first makes its first"};
}

}  // namespace dske::hub
