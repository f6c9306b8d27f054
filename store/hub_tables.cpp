#include "store/hub_tables.h"

#include <chrono>
#include <string>
#include <utility>

namespace dske::store {

const std::string_view kHubTables = R"(
CREATE TABLE hub (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  client_id BLOB NOT NULL,
  registration_number INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE hub_block (
  block INTEGER PRIMARY KEY REFERENCES psrd_block (number) ON DELETE CASCADE,
  hub INTEGER NOT NULL REFERENCES hub (number)
) STRICT;
)";

// A registration names all blocks of a hub, and has room for twice as many.
constexpr std::uint64_t kBlocksMost = 2048;

Result<void> HubTables::check_room(const HubId& hub) {
  auto query = database_.query("SELECT count(*) FROM hub_block JOIN hub ON number = hub WHERE id = ?");
  const auto row = query.bind(hub.uuid()).step();
  if (!row) return row.error();
  if (query.number(0) < kBlocksMost) return {};
  return Error{ErrorKind::exhausted, "there are " + std::to_string(kBlocksMost) +
                                         " PSRD blocks of this hub already: use them first, or drop some"};
}

Result<PsrdBlock> HubTables::ingest_block(const HubRecord& hub, const BlockWriter& written) {
  auto made =
      database_
          .query(
              "INSERT INTO hub (id, name, endpoint, client_id) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
              " SET name = excluded.name, endpoint = excluded.endpoint, client_id = excluded.client_id")
          .bind(hub.id.uuid())
          .bind(std::string_view(hub.name.text()))
          .bind(std::string_view(hub.endpoint))
          .bind(hub.client_id.uuid())
          .run();
  if (!made) return made.error();
  if (auto room = check_room(hub.id); !room) return room.error();
  auto added = blocks_.add(written);
  if (!added) return added.error();
  auto bound = database_.query("INSERT INTO hub_block (block, hub) SELECT ?, number FROM hub WHERE id = ?")
                   .bind(added->number)
                   .bind(hub.id.uuid())
                   .run();
  if (!bound) return bound.error();
  return std::move(added->block);
}

Result<void> HubTables::forget(const HubId& hub) {
  std::vector<BlockId> held;
  {
    auto query = database_.query(
        "SELECT psrd_block.id FROM psrd_block JOIN hub_block ON block = psrd_block.number"
        " JOIN hub ON hub.number = hub_block.hub WHERE hub.id = ?");
    query.bind(hub.uuid());
    while (true) {
      const auto row = query.step();
      if (!row) return row.error();
      if (!*row) break;
      const auto id = query.uuid(0);
      if (!id) return id.error();
      held.emplace_back(*id);
    }
  }
  for (const BlockId& block : held) {
    if (auto dropped = blocks_.drop(block); !dropped) return dropped;
  }
  return database_.query("DELETE FROM hub WHERE id = ?").bind(hub.uuid()).run();
}

Result<std::uint64_t> HubTables::next_registration_number(const HubId& hub, const Clock& clock) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock.wall().time_since_epoch()).count();
  auto query = database_.query(
      "UPDATE hub SET registration_number = max(registration_number + 1, ?) WHERE id = ?"
      " RETURNING registration_number");
  const auto row = query.bind(std::int64_t{now}).bind(hub.uuid()).step();
  if (!row) return row.error();
  if (!*row) return Error{ErrorKind::not_found, "there is no hub " + hub.text() + " in the store"};
  return query.number(0);
}

Result<std::vector<HubRecord>> HubTables::hubs() {
  std::vector<HubRecord> records;
  auto query = database_.query("SELECT number, id, name, endpoint, client_id FROM hub ORDER BY number");
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return records;
    const auto id = query.uuid(1);
    auto name = HubName::parse(query.text(2));
    const auto client_id = query.uuid(4);
    if (!id || !name || !client_id) {
      return Error{ErrorKind::corrupt, "row " + std::to_string(query.integer(0)) + " of hub in " +
                                           database_.path() + " is damaged"};
    }
    records.push_back({HubId(*id), std::move(*name), std::string(query.text(3)), ClientId(*client_id)});
  }
}

Result<std::vector<HubBlock>> HubTables::blocks() {
  struct Row {
    std::int64_t number;
    HubId hub;
  };
  std::vector<Row> rows;
  {
    auto query = database_.query("SELECT block, id FROM hub_block JOIN hub ON number = hub ORDER BY block");
    while (true) {
      const auto row = query.step();
      if (!row) return row.error();
      if (!*row) break;
      const auto hub = query.uuid(1);
      if (!hub) return hub.error();
      rows.push_back({query.integer(0), HubId(*hub)});
    }
  }
  std::vector<HubBlock> found;
  for (const Row& row : rows) {
    auto block = blocks_.load(row.number);
    if (!block) return block.error();
    if (*block) found.push_back({row.hub, std::move(**block)});
  }
  return found;
}

}  // namespace dske::store
