#include "store/sqlite_kme_store.h"

#include <future>
#include <string>
#include <utility>

#include "store/bundle_tables.h"
#include "store/hub_tables.h"
#include "store/psrd_tables.h"
#include "store/schema.h"
#include "store/set_back_guard.h"

namespace dske::store {

Result<void> KmeStore::create(const std::filesystem::path& state_dir) {
  if (auto marked = create_marker(state_dir); !marked) return marked;
  return create_database(state_dir, StoreKind::kme, std::string(kHubTables).append(kBundleTables),
                         [](Database&) { return Result<void>(); });
}

Result<std::unique_ptr<KmeStore>> KmeStore::open(const std::filesystem::path& state_dir) {
  return SqliteKmeStore::open(state_dir);
}

Result<std::unique_ptr<KmeStore>> SqliteKmeStore::open(const std::filesystem::path& state_dir) {
  auto database = open_database(state_dir, StoreKind::kme);
  if (!database) return database.error();
  auto opening = SetBackGuard::open(**database, state_dir, Side::client);
  if (!opening) return opening.error();
  return std::unique_ptr<KmeStore>(
      new SqliteKmeStore(std::move(*database), std::move(opening->guard), std::move(opening->dropped)));
}

SqliteKmeStore::SqliteKmeStore(std::unique_ptr<Database> database,
                               std::unique_ptr<CommitQueue::Witness> witness, std::vector<BlockId> dropped)
    : dropped_after_set_back_(std::move(dropped)), writes_(std::move(database), std::move(witness)) {}

SqliteKmeStore::~SqliteKmeStore() {
  writes_.finish();
}

Result<KmeStore::Contents> SqliteKmeStore::load() {
  std::promise<Result<Contents>> promise;
  writes_.submit<Contents>(
      [this](Database& database) -> Result<Contents> {
        HubTables hub_tables(database);
        BundleTables bundles(database);
        if (auto expired = bundles.expire(clock_); !expired) return expired.error();
        auto hubs = hub_tables.hubs();
        if (!hubs) return hubs.error();
        auto blocks = hub_tables.blocks();
        if (!blocks) return blocks.error();
        auto unacknowledged = bundles.unacknowledged();
        if (!unacknowledged) return unacknowledged.error();
        auto held = bundles.held();
        if (!held) return held.error();
        return Contents{std::move(*hubs), std::move(*blocks), std::move(*unacknowledged), std::move(*held),
                        dropped_after_set_back_};
      },
      [&promise](Result<Contents> contents) { promise.set_value(std::move(contents)); });
  return promise.get_future().get();
}

void SqliteKmeStore::extend_leases(std::vector<PsrdLease> leases, Done done) {
  writes_.submit_witnessed<void>(
      [leases = std::move(leases)](Database& database) {
        return PsrdTables(database, Side::client).extend_leases(leases);
      },
      std::move(done));
}

void SqliteKmeStore::raise_floors(std::vector<PsrdFloor> floors, Done done) {
  writes_.submit<void>(
      [floors = std::move(floors)](Database& database) {
        return PsrdTables(database, Side::client).raise_floors(floors);
      },
      std::move(done));
}

void SqliteKmeStore::ingest_block(HubRecord hub, PsrdBlock block, Answer<void> done) {
  writes_.submit<void>([hub = std::move(hub), block = std::move(block)](
                           Database& database) { return HubTables(database).ingest_block(hub, block); },
                       std::move(done));
}

void SqliteKmeStore::drop_block(BlockId block, Answer<void> done) {
  writes_.submit<void>([block](Database& database) { return PsrdTables(database, Side::client).drop(block); },
                       std::move(done));
}

void SqliteKmeStore::next_registration_number(HubId hub, Answer<std::uint64_t> done) {
  writes_.submit<std::uint64_t>(
      [this, hub](Database& database) { return HubTables(database).next_registration_number(hub, clock_); },
      std::move(done));
}

void SqliteKmeStore::begin_bundle(PostedBundle bundle, Answer<void> done) {
  writes_.submit<void>(
      [bundle = std::move(bundle)](Database& database) { return BundleTables(database).begin(bundle); },
      std::move(done));
}

void SqliteKmeStore::acknowledge_bundle(BundleId id, Answer<void> done) {
  writes_.submit<void>([id](Database& database) { return BundleTables(database).acknowledge(id); },
                       std::move(done));
}

void SqliteKmeStore::forget_bundle(BundleId id, Answer<void> done) {
  writes_.submit<void>([id](Database& database) { return BundleTables(database).forget(id); },
                       std::move(done));
}

void SqliteKmeStore::hold_bundle(HeldBundle bundle, Answer<void> done) {
  writes_.submit<void>(
      [bundle = std::move(bundle)](Database& database) { return BundleTables(database).hold(bundle); },
      std::move(done));
}

void SqliteKmeStore::record_delivery(Delivery delivery, std::vector<SaeId> local_slaves, Answer<void> done) {
  writes_.submit<void>(
      [delivery = std::move(delivery), local_slaves = std::move(local_slaves)](Database& database) {
        return BundleTables(database).record_delivery(delivery, local_slaves);
      },
      std::move(done));
}

void SqliteKmeStore::expire(Answer<std::vector<BundleName>> done) {
  writes_.submit<std::vector<BundleName>>(
      [this](Database& database) { return BundleTables(database).expire(clock_); }, std::move(done));
}

}  // namespace dske::store
