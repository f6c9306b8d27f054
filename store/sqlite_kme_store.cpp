#include "store/sqlite_kme_store.h"

#include <future>
#include <string>
#include <utility>

#include "store/bundle_tables.h"
#include "store/hub_tables.h"
#include "store/psrd_tables.h"
#include "store/ready_tables.h"
#include "store/schema.h"
#include "store/set_back_guard.h"

namespace dske::store {

Result<void> KmeStore::create(const std::filesystem::path& state_dir, const SecretBytes& node_key) {
  if (auto marked = create_marker(state_dir); !marked) return marked;
  return create_database(state_dir, StoreKind::kme,
                         std::string(kHubTables).append(kBundleTables).append(kReadyTables),
                         Sealer(node_key.clone()), [](Database&) { return Result<void>(); });
}

Result<std::unique_ptr<KmeStore>> KmeStore::open(const std::filesystem::path& state_dir,
                                                 const SecretBytes& node_key) {
  return SqliteKmeStore::open(state_dir, node_key);
}

Result<std::unique_ptr<KmeStore>> SqliteKmeStore::open(const std::filesystem::path& state_dir,
                                                       const SecretBytes& node_key) {
  auto vault = BlockVault::open(state_dir, node_key.clone());
  if (!vault) return vault.error();
  auto database = open_database(state_dir, StoreKind::kme, (*vault)->sealer());
  if (!database) return database.error();
  auto opening = SetBackGuard::open(**database, **vault, state_dir, Side::client);
  if (!opening) return opening.error();
  const auto blocks = PsrdTables(**database, **vault, Side::client).ids(false);
  if (!blocks) return blocks.error();
  (*vault)->remove_others(*blocks);
  return std::unique_ptr<KmeStore>(new SqliteKmeStore(
      std::move(*vault), std::move(*database), std::move(opening->guard), std::move(opening->dropped)));
}

SqliteKmeStore::SqliteKmeStore(std::unique_ptr<BlockVault> vault, std::unique_ptr<Database> database,
                               std::unique_ptr<CommitQueue::Witness> witness, std::vector<BlockId> dropped)
    : vault_(std::move(vault)),
      dropped_after_set_back_(std::move(dropped)),
      writes_(std::move(database), std::move(witness)) {}

SqliteKmeStore::~SqliteKmeStore() {
  writes_.finish();
}

Result<KmeStore::Contents> SqliteKmeStore::load() {
  std::promise<Result<Contents>> promise;
  writes_.submit<Contents>(
      [this](Database& database) -> Result<Contents> {
        HubTables hub_tables(database, *vault_);
        BundleTables bundles(database, vault_->sealer());
        ReadyTables ready_tables(database, vault_->sealer());
        if (auto expired = bundles.expire(clock_); !expired) return expired.error();
        auto hubs = hub_tables.hubs();
        if (!hubs) return hubs.error();
        auto blocks = hub_tables.blocks();
        if (!blocks) return blocks.error();
        auto unacknowledged = bundles.unacknowledged();
        if (!unacknowledged) return unacknowledged.error();
        auto held = bundles.held();
        if (!held) return held.error();
        if (auto expired = ready_tables.expire(clock_); !expired) return expired.error();
        auto ready = ready_tables.entries();
        if (!ready) return ready.error();
        return Contents{std::move(*hubs), std::move(*blocks), std::move(*unacknowledged),
                        std::move(*held), std::move(*ready),  dropped_after_set_back_};
      },
      [&promise](Result<Contents> contents) { promise.set_value(std::move(contents)); });
  return promise.get_future().get();
}

void SqliteKmeStore::extend_leases(std::vector<PsrdLease> leases, Leased done) {
  const auto shared = std::make_shared<const std::vector<PsrdLease>>(std::move(leases));
  writes_.submit_witnessed<std::vector<SecretBytes>>(
      [this, shared](Database& database) {
        return PsrdTables(database, *vault_, Side::client).extend_leases(*shared);
      },
      [this, shared, done = std::move(done)](Result<std::vector<SecretBytes>> bytes) mutable {
        if (bytes) vault_->leased(Side::client, *shared);
        done(std::move(bytes));
      });
}

void SqliteKmeStore::return_leases(std::vector<PsrdReturn> returns, Done done) {
  writes_.submit_witnessed<void>(
      [this, returns = std::move(returns)](Database& database) {
        return PsrdTables(database, *vault_, Side::client).return_leases(returns);
      },
      std::move(done));
}

void SqliteKmeStore::raise_floors(std::vector<PsrdFloor> floors, Done done) {
  writes_.submit<void>(
      [this, floors = std::move(floors)](Database& database) {
        return PsrdTables(database, *vault_, Side::client).raise_floors(floors);
      },
      std::move(done));
}

Result<std::unique_ptr<BlockWriter>> SqliteKmeStore::write_block(const BlockId& block,
                                                                 const PsrdLayout& layout) {
  return vault_->write(block, layout);
}

void SqliteKmeStore::knows_block(BlockId block, Answer<bool> done) {
  writes_.submit<bool>(
      [this, block](Database& database) {
        return PsrdTables(database, *vault_, Side::client).is_known(block);
      },
      std::move(done));
}

void SqliteKmeStore::ingest_block(HubRecord hub, std::unique_ptr<BlockWriter> written,
                                  Answer<PsrdBlock> done) {
  writes_.submit<PsrdBlock>(
      [this, hub = std::move(hub), written = std::move(written)](Database& database) {
        return HubTables(database, *vault_).ingest_block(hub, *written);
      },
      std::move(done));
}

void SqliteKmeStore::drop_block(BlockId block, Answer<void> done) {
  writes_.submit<void>(
      [this, block](Database& database) { return PsrdTables(database, *vault_, Side::client).drop(block); },
      std::move(done));
}

void SqliteKmeStore::forget_hub(HubId hub, Answer<void> done) {
  writes_.submit<void>([this, hub](Database& database) { return HubTables(database, *vault_).forget(hub); },
                       std::move(done));
}

void SqliteKmeStore::next_registration_number(HubId hub, Answer<std::uint64_t> done) {
  writes_.submit<std::uint64_t>(
      [this, hub](Database& database) {
        return HubTables(database, *vault_).next_registration_number(hub, clock_);
      },
      std::move(done));
}

void SqliteKmeStore::begin_bundle(PostedBundle bundle, Answer<void> done) {
  writes_.submit<void>(
      [this, bundle = std::move(bundle)](Database& database) {
        return BundleTables(database, vault_->sealer()).begin(bundle);
      },
      std::move(done));
}

void SqliteKmeStore::acknowledge_bundle(BundleId id, Answer<void> done) {
  writes_.submit<void>(
      [this, id](Database& database) { return BundleTables(database, vault_->sealer()).acknowledge(id); },
      std::move(done));
}

void SqliteKmeStore::forget_bundle(BundleId id, Answer<void> done) {
  writes_.submit<void>(
      [this, id](Database& database) { return BundleTables(database, vault_->sealer()).forget(id); },
      std::move(done));
}

void SqliteKmeStore::hold_bundle(HeldBundle bundle, Answer<void> done) {
  writes_.submit<void>(
      [this, bundle = std::move(bundle)](Database& database) {
        return BundleTables(database, vault_->sealer()).hold(bundle);
      },
      std::move(done));
}

void SqliteKmeStore::record_deliveries(std::vector<Delivery> deliveries, Answer<void> done) {
  writes_.submit<void>(
      [this, deliveries = std::move(deliveries)](Database& database) {
        return BundleTables(database, vault_->sealer()).record_deliveries(deliveries);
      },
      std::move(done));
}

void SqliteKmeStore::add_ready(ReadyBundle bundle, Answer<void> done) {
  writes_.submit<void>(
      [this, bundle = std::move(bundle)](Database& database) {
        return ReadyTables(database, vault_->sealer()).add(bundle);
      },
      std::move(done));
}

void SqliteKmeStore::lease_ready(std::vector<ReadyLease> leases, Answer<std::vector<ReadyLeased>> done) {
  // Witnessed, so that a store which is set back to before the lease is known as such.
  writes_.submit_witnessed<std::vector<ReadyLeased>>(
      [this, leases = std::move(leases)](Database& database) {
        return ReadyTables(database, vault_->sealer()).lease(leases);
      },
      std::move(done));
}

void SqliteKmeStore::return_ready(std::vector<ReadyReturn> returns, Answer<void> done) {
  writes_.submit<void>(
      [this, returns = std::move(returns)](Database& database) {
        return ReadyTables(database, vault_->sealer()).give_back(returns);
      },
      std::move(done));
}

void SqliteKmeStore::drop_ready(std::vector<BundleId> bundles, Answer<void> done) {
  writes_.submit<void>(
      [this, bundles = std::move(bundles)](Database& database) {
        return ReadyTables(database, vault_->sealer()).drop(bundles);
      },
      std::move(done));
}

void SqliteKmeStore::expire(Answer<std::vector<BundleName>> done) {
  writes_.submit<std::vector<BundleName>>(
      [this](Database& database) -> Result<std::vector<BundleName>> {
        if (auto expired = ReadyTables(database, vault_->sealer()).expire(clock_); !expired)
          return expired.error();
        return BundleTables(database, vault_->sealer()).expire(clock_);
      },
      std::move(done));
}

}  // namespace dske::store
