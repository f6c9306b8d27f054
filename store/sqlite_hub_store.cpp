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

Result<void> HubStore::create(const std::filesystem::path& state_dir, const HubId& hub_id) {
  if (auto marked = create_marker(state_dir); !marked) return marked;
  return create_database(state_dir, StoreKind::hub, std::string(kClientTables).append(kShareTables),
                         [&](Database& database) { return ClientTables(database).set_hub_id(hub_id); });
}

Result<std::unique_ptr<HubStore>> HubStore::open(const std::filesystem::path& state_dir) {
  return SqliteHubStore::open(state_dir);
}

Result<std::unique_ptr<HubStore>> SqliteHubStore::open(const std::filesystem::path& state_dir) {
  auto writing = open_database(state_dir, StoreKind::hub);
  if (!writing) return writing.error();
  auto opening = SetBackGuard::open(**writing, state_dir, Side::hub);
  if (!opening) return opening.error();
  auto reading = Database::open(database_path(state_dir), Database::Access::read_only);
  if (!reading) return reading.error();
  return std::unique_ptr<HubStore>(new SqliteHubStore(std::move(*writing), std::move(opening->guard),
                                                      std::move(*reading), std::move(opening->dropped)));
}

SqliteHubStore::SqliteHubStore(std::unique_ptr<Database> writing,
                               std::unique_ptr<CommitQueue::Witness> witness,
                               std::unique_ptr<Database> reading, std::vector<BlockId> dropped)
    : dropped_after_set_back_(std::move(dropped)),
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
        ClientTables tables(database);
        auto hub_id = tables.hub_id();
        if (!hub_id) return hub_id.error();
        auto clients = tables.clients();
        if (!clients) return clients.error();
        auto blocks = tables.blocks();
        if (!blocks) return blocks.error();
        auto waiting = ShareTables(database).waiting();
        if (!waiting) return waiting.error();
        return Contents{*hub_id, std::move(*clients), std::move(*blocks), std::move(*waiting),
                        dropped_after_set_back_};
      },
      [&promise](Result<Contents> contents) { promise.set_value(std::move(contents)); });
  return promise.get_future().get();
}

void SqliteHubStore::extend_leases(std::vector<PsrdLease> leases, Done done) {
  writes_.submit_witnessed<void>(
      [leases = std::move(leases)](Database& database) {
        return PsrdTables(database, Side::hub).extend_leases(leases);
      },
      std::move(done));
}

void SqliteHubStore::raise_floors(std::vector<PsrdFloor> floors, Done done) {
  writes_.submit<void>(
      [floors = std::move(floors)](Database& database) {
        return PsrdTables(database, Side::hub).raise_floors(floors);
      },
      std::move(done));
}

void SqliteHubStore::put_client(ClientName name, ClientId new_id, std::vector<SaeId> sae_ids,
                                Answer<ClientRecord> done) {
  writes_.submit<ClientRecord>(
      [name = std::move(name), new_id, sae_ids = std::move(sae_ids)](Database& database) {
        return ClientTables(database).put_client(name, new_id, sae_ids);
      },
      std::move(done));
}

void SqliteHubStore::add_block(ClientName client, PsrdBlock block, Answer<void> done) {
  writes_.submit<void>([client = std::move(client), block = std::move(block)](
                           Database& database) { return ClientTables(database).add_block(client, block); },
                       std::move(done));
}

void SqliteHubStore::register_client(RegistrationRecord registration, Answer<void> done) {
  writes_.submit<void>(
      [registration = std::move(registration)](Database& database) {
        return ClientTables(database).register_client(registration);
      },
      std::move(done));
}

void SqliteHubStore::add_share(ShareRecord share, std::vector<ClientName> claimants, Answer<void> done) {
  writes_.submit<void>([share = std::move(share), claimants = std::move(claimants)](
                           Database& database) { return ShareTables(database).add(share, claimants); },
                       std::move(done));
}

void SqliteHubStore::load_share(BundleName bundle, ClientName claimant, Answer<ShareRecord> done) {
  reads_.submit<ShareRecord>([bundle = std::move(bundle), claimant = std::move(claimant)](
                                 Database& database) { return ShareTables(database).load(bundle, claimant); },
                             std::move(done));
}

void SqliteHubStore::withdraw_share(BundleName bundle, Answer<std::uint64_t> done) {
  writes_.submit<std::uint64_t>(
      [bundle = std::move(bundle)](Database& database) { return ShareTables(database).withdraw(bundle); },
      std::move(done));
}

void SqliteHubStore::confirm(ClientName claimant, std::vector<BundleName> bundles,
                             Answer<std::vector<WaitingAmount>> done) {
  writes_.submit<std::vector<WaitingAmount>>(
      [claimant = std::move(claimant), bundles = std::move(bundles)](Database& database) {
        return ShareTables(database).confirm(claimant, bundles);
      },
      std::move(done));
}

void SqliteHubStore::pending(ClientName claimant, std::size_t most, Answer<std::vector<BundleName>> done) {
  reads_.submit<std::vector<BundleName>>(
      [claimant = std::move(claimant), most](Database& database) {
        return ShareTables(database).pending(claimant, most);
      },
      std::move(done));
}

void SqliteHubStore::expire(Answer<std::vector<WaitingAmount>> done) {
  writes_.submit<std::vector<WaitingAmount>>(
      [this](Database& database) { return ShareTables(database).expire(clock_); }, std::move(done));
}

}  // namespace dske::store
