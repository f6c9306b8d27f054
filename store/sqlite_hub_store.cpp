#include "store/sqlite_hub_store.h"

#include <future>
#include <string>
#include <utility>

#include "store/client_tables.h"
#include "store/psrd_tables.h"
#include "store/schema.h"
#include "store/set_back_guard.h"
#include "store/share_tables.h"

namespace dske::store {

Result<void> HubStore::create(const std::filesystem::path& state_dir, const SecretBytes& node_key,
                              const HubId& hub_id) {
  if (auto marked = create_marker(state_dir); !marked) return marked;
  return create_database(state_dir, StoreKind::hub, std::string(kClientTables).append(kShareTables),
                         Sealer(node_key.clone()),
                         [&](Database& database) { return ClientTables::set_hub_id(database, hub_id); });
}

Result<std::unique_ptr<HubStore>> HubStore::open(const std::filesystem::path& state_dir,
                                                 const SecretBytes& node_key) {
  return SqliteHubStore::open(state_dir, node_key);
}

Result<std::unique_ptr<HubStore>> SqliteHubStore::open(const std::filesystem::path& state_dir,
                                                       const SecretBytes& node_key) {
  auto vault = BlockVault::open(state_dir, node_key.clone());
  if (!vault) return vault.error();
  auto writing = open_database(state_dir, StoreKind::hub, (*vault)->sealer());
  if (!writing) return writing.error();
  auto opening = SetBackGuard::open(**writing, **vault, state_dir, Side::hub);
  if (!opening) return opening.error();
  const auto blocks = PsrdTables(**writing, **vault, Side::hub).ids(false);
  if (!blocks) return blocks.error();
  (*vault)->remove_others(*blocks);
  auto reading = Database::open(database_path(state_dir), Database::Access::read_only);
  if (!reading) return reading.error();
  return std::unique_ptr<HubStore>(new SqliteHubStore(std::move(*vault), std::move(*writing),
                                                      std::move(opening->guard), std::move(*reading),
                                                      std::move(opening->dropped)));
}

SqliteHubStore::SqliteHubStore(std::unique_ptr<BlockVault> vault, std::unique_ptr<Database> writing,
                               std::unique_ptr<CommitQueue::Witness> witness,
                               std::unique_ptr<Database> reading, std::vector<BlockId> dropped)
    : vault_(std::move(vault)),
      dropped_after_set_back_(std::move(dropped)),
      writes_(std::move(writing), std::move(witness)),
      reads_(std::move(reading)) {}

SqliteHubStore::~SqliteHubStore() {
  // Both threads end before either queue goes, since answers of the one may still submit to the other.
  writes_.finish();
  reads_.finish();
}

Result<HubStore::Contents> SqliteHubStore::load() {
  std::promise<Result<Contents>> promise;
  writes_.submit<Contents>(
      [this](Database& database) -> Result<Contents> {
        ClientTables tables(database, *vault_);
        auto hub_id = tables.hub_id();
        if (!hub_id) return hub_id.error();
        auto clients = tables.clients();
        if (!clients) return clients.error();
        auto blocks = tables.blocks();
        if (!blocks) return blocks.error();
        auto revoked = tables.revoked_blocks();
        if (!revoked) return revoked.error();
        auto waiting = ShareTables(database, vault_->sealer()).waiting();
        if (!waiting) return waiting.error();
        return Contents{*hub_id,
                        std::move(*clients),
                        std::move(*blocks),
                        std::move(*revoked),
                        std::move(*waiting),
                        dropped_after_set_back_};
      },
      [&promise](Result<Contents> contents) { promise.set_value(std::move(contents)); });
  return promise.get_future().get();
}

void SqliteHubStore::extend_leases(std::vector<PsrdLease> leases, Leased done) {
  const auto shared = std::make_shared<const std::vector<PsrdLease>>(std::move(leases));
  writes_.submit_witnessed<std::vector<SecretBytes>>(
      [this, shared](Database& database) {
        return PsrdTables(database, *vault_, Side::hub).extend_leases(*shared);
      },
      [this, shared, done = std::move(done)](Result<std::vector<SecretBytes>> bytes) mutable {
        if (bytes) vault_->leased(Side::hub, *shared);
        done(std::move(bytes));
      });
}

void SqliteHubStore::return_leases(std::vector<PsrdReturn> returns, Done done) {
  writes_.submit_witnessed<void>(
      [this, returns = std::move(returns)](Database& database) {
        return PsrdTables(database, *vault_, Side::hub).return_leases(returns);
      },
      std::move(done));
}

void SqliteHubStore::raise_floors(std::vector<PsrdFloor> floors, Done done) {
  writes_.submit<void>(
      [this, floors = std::move(floors)](Database& database) {
        return PsrdTables(database, *vault_, Side::hub).raise_floors(floors);
      },
      std::move(done));
}

void SqliteHubStore::put_client(ClientName name, ClientId new_id, std::vector<SaeId> sae_ids,
                                Answer<ClientRecord> done) {
  writes_.submit<ClientRecord>(
      [this, name = std::move(name), new_id, sae_ids = std::move(sae_ids)](Database& database) {
        return ClientTables(database, *vault_).put_client(name, new_id, sae_ids);
      },
      std::move(done));
}

void SqliteHubStore::change_saes(ClientName name, std::vector<SaeId> bind, std::vector<SaeId> unbind,
                                 Answer<ClientRecord> done) {
  writes_.submit<ClientRecord>(
      [this, name = std::move(name), bind = std::move(bind), unbind = std::move(unbind)](Database& database) {
        return ClientTables(database, *vault_).change_saes(name, bind, unbind);
      },
      std::move(done));
}

void SqliteHubStore::set_client_enabled(ClientName name, bool enabled, Answer<ClientRecord> done) {
  writes_.submit<ClientRecord>(
      [this, name = std::move(name), enabled](Database& database) {
        return ClientTables(database, *vault_).set_enabled(name, enabled);
      },
      std::move(done));
}

void SqliteHubStore::remove_client(ClientName name, Answer<std::vector<WaitingAmount>> done) {
  writes_.submit<std::vector<WaitingAmount>>(
      [this, name = std::move(name)](Database& database) -> Result<std::vector<WaitingAmount>> {
        if (auto removed = ClientTables(database, *vault_).remove_client(name); !removed)
          return removed.error();
        return ShareTables(database, vault_->sealer()).remove_client(name);
      },
      std::move(done));
}

void SqliteHubStore::revoke_blocks(std::vector<BlockId> blocks, Answer<std::vector<RevokedBlock>> done) {
  writes_.submit<std::vector<RevokedBlock>>(
      [this, blocks = std::move(blocks)](Database& database) {
        return ClientTables(database, *vault_).revoke(blocks);
      },
      std::move(done));
}

void SqliteHubStore::revoke_all_blocks(ClientName client, Answer<std::vector<RevokedBlock>> done) {
  writes_.submit<std::vector<RevokedBlock>>(
      [this, client = std::move(client)](Database& database) {
        return ClientTables(database, *vault_).revoke_all(client);
      },
      std::move(done));
}

Result<std::unique_ptr<BlockWriter>> SqliteHubStore::write_block(const BlockId& block,
                                                                 const PsrdLayout& layout) {
  return vault_->write(block, layout);
}

void SqliteHubStore::add_block(ClientName client, std::unique_ptr<BlockWriter> written,
                               Answer<PsrdBlock> done) {
  writes_.submit<PsrdBlock>(
      [this, client = std::move(client), written = std::move(written)](Database& database) {
        return ClientTables(database, *vault_).add_block(client, *written);
      },
      std::move(done));
}

void SqliteHubStore::register_client(RegistrationRecord registration, Answer<void> done) {
  writes_.submit<void>(
      [this, registration = std::move(registration)](Database& database) {
        return ClientTables(database, *vault_).register_client(registration);
      },
      std::move(done));
}

void SqliteHubStore::leave(ClientName client, Leaving how, Answer<std::vector<WaitingAmount>> done) {
  writes_.submit<std::vector<WaitingAmount>>(
      [this, client = std::move(client), how](Database& database) -> Result<std::vector<WaitingAmount>> {
        if (auto left = ClientTables(database, *vault_).leave(client, how); !left) return left.error();
        if (how == Leaving::keep_psrd) return std::vector<WaitingAmount>();
        return ShareTables(database, vault_->sealer()).end_claims(client);
      },
      std::move(done));
}

void SqliteHubStore::add_share(ShareRecord share, std::vector<ClientName> claimants, Answer<void> done) {
  writes_.submit<void>(
      [this, share = std::move(share), claimants = std::move(claimants)](Database& database) {
        return ShareTables(database, vault_->sealer()).add(share, claimants);
      },
      std::move(done));
}

void SqliteHubStore::load_share(BundleName bundle, ClientName claimant, Answer<ShareRecord> done) {
  reads_.submit<ShareRecord>(
      [this, bundle = std::move(bundle), claimant = std::move(claimant)](Database& database) {
        return ShareTables(database, vault_->sealer()).load(bundle, claimant);
      },
      std::move(done));
}

void SqliteHubStore::withdraw_share(BundleName bundle, Answer<std::uint64_t> done) {
  writes_.submit<std::uint64_t>(
      [this, bundle = std::move(bundle)](Database& database) {
        return ShareTables(database, vault_->sealer()).withdraw(bundle);
      },
      std::move(done));
}

void SqliteHubStore::confirm(ClientName claimant, std::vector<BundleName> bundles,
                             Answer<std::vector<WaitingAmount>> done) {
  writes_.submit<std::vector<WaitingAmount>>(
      [this, claimant = std::move(claimant), bundles = std::move(bundles)](Database& database) {
        return ShareTables(database, vault_->sealer()).confirm(claimant, bundles);
      },
      std::move(done));
}

void SqliteHubStore::pending(ClientName claimant, std::uint64_t cursor, std::size_t most,
                             Answer<PendingShares> done) {
  reads_.submit<PendingShares>(
      [this, claimant = std::move(claimant), cursor, most](Database& database) {
        return ShareTables(database, vault_->sealer()).pending(claimant, cursor, most);
      },
      std::move(done));
}

void SqliteHubStore::expire(Answer<std::vector<WaitingAmount>> done) {
  writes_.submit<std::vector<WaitingAmount>>(
      [this](Database& database) { return ShareTables(database, vault_->sealer()).expire(clock_); },
      std::move(done));
}

}  // namespace dske::store
