#include "store/ready_tables.h"

#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "store/deadline_columns.h"

namespace dske::store {

// first: how many of the bundle's keys have been leased for issue. sealed_keys: the others.
const std::string_view kReadyTables = R"(
CREATE TABLE ready_bundle (
  number INTEGER PRIMARY KEY,
  bundle_id BLOB NOT NULL UNIQUE,
  master TEXT NOT NULL,
  slave TEXT NOT NULL,
  slave_client TEXT NOT NULL,
  shares_required INTEGER NOT NULL,
  key_size INTEGER NOT NULL,
  key_count INTEGER NOT NULL,
  first INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  boottime_nanos INTEGER NOT NULL,
  wall_seconds INTEGER NOT NULL,
  sealed_keys BLOB NOT NULL
) STRICT;
CREATE INDEX ready_bundle_boot ON ready_bundle (boot_id, boottime_nanos);
CREATE INDEX ready_bundle_wall ON ready_bundle (wall_seconds);
)";

namespace {

std::string label_of(const BundleId& bundle, std::uint32_t first) {
  return "ready keys of bundle " + bundle.text() + " from " + std::to_string(first);
}

Error damaged(std::int64_t number, const std::string& cause) {
  return {ErrorKind::corrupt, "row " + std::to_string(number) + " of ready_bundle is damaged: " + cause};
}

// The columns that entry_in() reads, in their order.
#define DSKE_READY_COLUMNS                                                      \
  "number, bundle_id, master, slave, slave_client, shares_required, key_size, " \
  "key_count, first, boot_id, boottime_nanos, wall_seconds"

Result<ReadyEntry> entry_in(const Query& row) {
  const std::int64_t number = row.integer(0);
  const auto id = row.uuid(1);
  if (!id) return damaged(number, "its id");
  auto master = SaeId::parse(row.text(2));
  auto slave = SaeId::parse(row.text(3));
  auto client = ClientName::parse(row.text(4));
  if (!master || !slave || !client) return damaged(number, "a name");
  ReadyEntry entry{BundleId::of(KeyId(*id)),
                   std::move(*master),
                   std::move(*slave),
                   std::move(*client),
                   static_cast<std::uint8_t>(row.integer(5)),
                   static_cast<std::uint32_t>(row.integer(6)),
                   static_cast<std::uint32_t>(row.integer(7)),
                   static_cast<std::uint32_t>(row.integer(8)),
                   read_deadline(row, 9)};
  if (entry.key_count == 0 || entry.key_count > BundleContext::kKeysMost || entry.key_size_bytes == 0 ||
      entry.key_size_bytes > BundleContext::kKeyBytesMost || entry.first > entry.key_count)
    return damaged(number, "its numbers");
  return entry;
}

std::uint64_t bytes_left(const ReadyEntry& entry) {
  return std::uint64_t{entry.key_count - entry.first} * entry.key_size_bytes;
}

}  // namespace

Result<void> ReadyTables::add(const ReadyBundle& bundle) {
  const ReadyEntry& entry = bundle.entry;
  if (entry.first > entry.key_count || bundle.keys.size() != bytes_left(entry))
    return invalid("the ready keys of bundle " + entry.id.text() + " have another size");
  const Bytes sealed = sealer_.seal(bundle.keys.view(), as_bytes(label_of(entry.id, entry.first)));
  auto query = database_.query(
      "INSERT INTO ready_bundle (bundle_id, master, slave, slave_client, shares_required, key_size, "
      "key_count,"
      " first, boot_id, boottime_nanos, wall_seconds, sealed_keys)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  query.bind(entry.id.uuid()).bind(std::string_view(entry.master.text()));
  query.bind(std::string_view(entry.slave.text())).bind(std::string_view(entry.slave_client.text()));
  query.bind(std::uint64_t{entry.shares_required}).bind(std::uint64_t{entry.key_size_bytes});
  query.bind(std::uint64_t{entry.key_count}).bind(std::uint64_t{entry.first});
  bind_deadline(query, entry.expires);
  auto inserted = query.bind(ByteView(sealed)).run();
  if (!inserted && inserted.error().kind == ErrorKind::conflict)
    return Error{ErrorKind::conflict, "the keys of bundle " + entry.id.text() + " are ready already"};
  return inserted;
}

Result<std::optional<ReadyTables::Row>> ReadyTables::find(const BundleId& bundle) {
  auto query = database_.query("SELECT " DSKE_READY_COLUMNS
                               ", sealed_keys FROM ready_bundle"
                               " WHERE bundle_id = ?");
  const auto found = query.bind(bundle.uuid()).step();
  if (!found) return found.error();
  if (!*found) return std::optional<Row>();
  auto entry = entry_in(query);
  if (!entry) return entry.error();
  auto keys = sealer_.open(query.blob(12), as_bytes(label_of(entry->id, entry->first)));
  if (!keys) return damaged(query.integer(0), keys.error().message);
  if (keys->size() != bytes_left(*entry)) return damaged(query.integer(0), "its keys have another size");
  return std::optional<Row>({std::move(*entry), std::move(*keys)});
}

Result<void> ReadyTables::update(const BundleId& bundle, std::uint32_t first, ByteView keys) {
  const Bytes sealed = sealer_.seal(keys, as_bytes(label_of(bundle, first)));
  return database_.query("UPDATE ready_bundle SET first = ?, sealed_keys = ? WHERE bundle_id = ?")
      .bind(std::uint64_t{first})
      .bind(ByteView(sealed))
      .bind(bundle.uuid())
      .run();
}

Result<ReadyLeased> ReadyTables::lease(const ReadyLease& lease) {
  auto row = find(lease.bundle);
  if (!row) {
    if (row.error().kind != ErrorKind::corrupt) return row.error();
    log::error("{}; its keys are dropped", row.error().message);
    if (auto dropped = drop({lease.bundle}); !dropped) return dropped.error();
    return ReadyLeased{lease.end, {}};
  }
  if (!*row || lease.end <= (*row)->entry.first) return ReadyLeased{lease.end, {}};
  const ReadyEntry& entry = (*row)->entry;
  if (lease.end > entry.key_count)
    return invalid("bundle " + lease.bundle.text() + " has no key " + std::to_string(lease.end - 1));
  const std::size_t leased = std::size_t{lease.end - entry.first} * entry.key_size_bytes;
  const ByteView keys = (*row)->keys.view();
  if (auto updated = update(lease.bundle, lease.end, keys.subspan(leased)); !updated) return updated.error();
  return ReadyLeased{entry.first, SecretBytes::copy_of(keys.first(leased))};
}

Result<std::vector<ReadyLeased>> ReadyTables::lease(const std::vector<ReadyLease>& leases) {
  std::vector<ReadyLeased> all;
  all.reserve(leases.size());
  for (const ReadyLease& each : leases) {
    auto leased = lease(each);
    if (!leased) return leased.error();
    all.push_back(std::move(*leased));
  }
  return all;
}

Result<void> ReadyTables::give_back(const std::vector<ReadyReturn>& returns) {
  for (const ReadyReturn& back : returns) {
    auto row = find(back.bundle);
    if (!row) return row.error();
    if (!*row) continue;
    const ReadyEntry& entry = (*row)->entry;
    if (back.first > entry.first ||
        back.keys.size() != std::uint64_t{entry.first - back.first} * entry.key_size_bytes)
      return invalid("the returned keys of bundle " + back.bundle.text() + " do not join the others");
    SecretBytes keys = back.keys.clone();
    keys.append((*row)->keys.view());
    if (auto updated = update(back.bundle, back.first, keys.view()); !updated) return updated;
  }
  return {};
}

Result<void> ReadyTables::drop(const std::vector<BundleId>& bundles) {
  for (const BundleId& bundle : bundles) {
    auto deleted = database_.query("DELETE FROM ready_bundle WHERE bundle_id = ?").bind(bundle.uuid()).run();
    if (!deleted) return deleted;
  }
  return {};
}

Result<void> ReadyTables::expire(const Clock& clock) {
  const DeadlineNow now = DeadlineNow::of(clock);
  auto query = database_.query("DELETE FROM ready_bundle WHERE " DSKE_DEADLINE_OVER);
  now.bind(query);
  return query.run();
}

Result<std::vector<ReadyEntry>> ReadyTables::entries() {
  auto spent = database_.query("DELETE FROM ready_bundle WHERE first = key_count").run();
  if (!spent) return spent.error();
  std::vector<ReadyEntry> entries;
  auto query = database_.query("SELECT " DSKE_READY_COLUMNS " FROM ready_bundle ORDER BY number");
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return entries;
    auto entry = entry_in(query);
    if (!entry) return entry.error();
    entries.push_back(std::move(*entry));
  }
}

}  // namespace dske::store
