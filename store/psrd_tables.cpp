#include "store/psrd_tables.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "base/log.h"

namespace dske::store {

// `..._wiped`: in the file, all pieces that end at or below are known to be wiped, of the own and the peer's
// half. `opened`: the generation (store/set_back_guard.h) in which the first lease was taken. A head: what
// lies between a position in the middle of a piece and the end of that piece, which is wiped in the file.
const std::string_view kPsrdTables = R"(
CREATE TABLE psrd_block (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  client_authenticator INTEGER NOT NULL,
  client_pad INTEGER NOT NULL,
  hub_authenticator INTEGER NOT NULL,
  hub_pad INTEGER NOT NULL,
  authenticator_lease_end INTEGER NOT NULL,
  pad_lease_end INTEGER NOT NULL,
  authenticator_wiped INTEGER NOT NULL,
  pad_wiped INTEGER NOT NULL,
  authenticator_floor INTEGER NOT NULL,
  pad_floor INTEGER NOT NULL,
  authenticator_floor_wiped INTEGER NOT NULL,
  pad_floor_wiped INTEGER NOT NULL,
  opened INTEGER,
  sealed_key BLOB NOT NULL
) STRICT;
CREATE INDEX psrd_block_opened ON psrd_block (opened) WHERE opened IS NOT NULL;
CREATE TABLE psrd_head (
  block INTEGER NOT NULL REFERENCES psrd_block (number) ON DELETE CASCADE,
  zone INTEGER NOT NULL,
  position INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (block, zone)
) STRICT, WITHOUT ROWID;
CREATE TABLE known_block (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
)";

namespace {

// After so many bytes of wiping, that is made durable and noted, so that a start has little to wipe again.
constexpr std::uint64_t kNoteWipedBytes = std::uint64_t{1} << 20;

bool within(std::uint64_t position, const PsrdLayout& layout, const ZoneOf& zone) {
  return position >= layout.begin(zone.side, zone.zone) && position <= layout.end(zone.side, zone.zone);
}

std::uint64_t piece_end(const PsrdLayout& layout, const ZoneOf& zone, std::uint64_t position) {
  return layout.piece_end(zone.side, zone.zone, position);
}

// The last end of a piece at or below `position`.
std::uint64_t piece_begin(const PsrdLayout& layout, const ZoneOf& zone, std::uint64_t position) {
  const std::uint64_t end = piece_end(layout, zone, position);
  if (end == position) return position;
  const std::uint64_t begin = layout.begin(zone.side, zone.zone);
  return begin + (position - begin) / kPsrdPieceBytes * kPsrdPieceBytes;
}

Error bad_position(const BlockId& block, const char* what) {
  return invalid("PSRD block " + block.text() + ": " + what);
}

std::string key_label(const BlockId& block) {
  return "key of PSRD block " + block.text();
}

std::string head_label(const BlockId& block, const ZoneOf& zone, std::uint64_t position) {
  return "head " + std::to_string(zone.index()) + " at " + std::to_string(position) + " of PSRD block " +
         block.text();
}

constexpr std::string_view kRowColumns =
    "SELECT number, id, client_authenticator, client_pad, hub_authenticator, hub_pad,"
    " authenticator_lease_end, pad_lease_end, authenticator_wiped, pad_wiped, authenticator_floor, pad_floor,"
    " authenticator_floor_wiped, pad_floor_wiped, sealed_key FROM psrd_block ";

}  // namespace

struct PsrdTables::Row {
  std::int64_t number = 0;
  BlockId id;
  PsrdLayout layout;
  PerZone<std::uint64_t> lease_end;
  PerZone<std::uint64_t> wiped;
  PerZone<std::uint64_t> floor;
  PerZone<std::uint64_t> floor_wiped;
  Bytes sealed_key;

  // The row that `query` is at, of kRowColumns.
  static Result<Row> of(const Query& query, Side own) {
    Row row;
    row.number = query.integer(0);
    const auto id = query.uuid(1);
    if (!id) return id.error().within("row " + std::to_string(row.number) + " of psrd_block");
    row.id = BlockId(*id);
    row.layout = {query.number(2), query.number(3), query.number(4), query.number(5)};
    row.lease_end = {query.number(6), query.number(7)};
    row.wiped = {query.number(8), query.number(9)};
    row.floor = {query.number(10), query.number(11)};
    row.floor_wiped = {query.number(12), query.number(13)};
    const ByteView sealed = query.blob(14);
    row.sealed_key.assign(sealed.begin(), sealed.end());
    const bool sound = row.layout.check() && std::all_of(kZones.begin(), kZones.end(), [&](Zone zone) {
                         const ZoneOf ours{own, zone};
                         const ZoneOf theirs{other_side(own), zone};
                         return within(row.lease_end[zone], row.layout, ours) &&
                                within(row.wiped[zone], row.layout, ours) &&
                                within(row.floor[zone], row.layout, theirs) &&
                                within(row.floor_wiped[zone], row.layout, theirs);
                       });
    if (!sound) return Error{ErrorKind::corrupt, "PSRD block " + row.id.text() + " is damaged in the store"};
    return row;
  }
};

Result<PsrdTables::Added> PsrdTables::add(const BlockWriter& written) {
  if (!written.finished()) return Error{ErrorKind::internal, "a PSRD block that was not written to its end"};
  const BlockId& id = written.block();
  const PsrdLayout& layout = written.layout();
  if (auto known = database_.query("INSERT INTO known_block (id) VALUES (?)").bind(id.uuid()).run(); !known) {
    if (known.error().kind != ErrorKind::conflict) return known.error();
    return Error{ErrorKind::conflict, "PSRD block " + id.text() + " has been in this store before"};
  }
  const PsrdBlock fresh = PsrdBlock::fresh(id, layout, nullptr, own_);
  const Bytes sealed_key = vault_.sealer().seal(written.key(), as_bytes(key_label(id)));
  {
    auto query = database_.query(
        "INSERT INTO psrd_block"
        " (id, client_authenticator, client_pad, hub_authenticator, hub_pad,"
        " authenticator_lease_end, pad_lease_end, authenticator_wiped, pad_wiped,"
        " authenticator_floor, pad_floor, authenticator_floor_wiped, pad_floor_wiped, sealed_key)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
    query.bind(id.uuid()).bind(layout.client_authenticator).bind(layout.client_pad);
    query.bind(layout.hub_authenticator).bind(layout.hub_pad);
    query.bind(fresh.lease_end.authenticator).bind(fresh.lease_end.pad);
    query.bind(fresh.lease_end.authenticator).bind(fresh.lease_end.pad);
    query.bind(fresh.floor.authenticator).bind(fresh.floor.pad);
    query.bind(fresh.floor.authenticator).bind(fresh.floor.pad);
    query.bind(ByteView(sealed_key));
    if (auto inserted = query.run(); !inserted) return inserted.error();
  }
  const std::int64_t number = database_.inserted_row();
  auto stored = vault_.adopt(written);
  if (!stored) return stored.error();
  return Added{number, PsrdBlock::fresh(id, layout, std::move(*stored), own_)};
}

Result<std::optional<PsrdTables::Row>> PsrdTables::read(const BlockId& block) {
  static const std::string sql = std::string(kRowColumns) + "WHERE id = ?";
  auto query = database_.query(sql);
  const auto found = query.bind(block.uuid()).step();
  if (!found) return found.error();
  if (!*found) return std::optional<Row>();
  auto row = Row::of(query, own_);
  if (!row) return row.error();
  return std::optional<Row>(std::move(*row));
}

Result<PsrdTables::Row> PsrdTables::present(const BlockId& block) {
  auto row = read(block);
  if (!row) return row.error();
  if (!*row || vault_.find(block) == nullptr) {
    return Error{ErrorKind::not_found, "PSRD block " + block.text() + " is not in the store"};
  }
  return std::move(**row);
}

Result<std::optional<std::int64_t>> PsrdTables::find(const BlockId& block) {
  auto query = database_.query("SELECT number FROM psrd_block WHERE id = ?");
  const auto found = query.bind(block.uuid()).step();
  if (!found) return found.error();
  return *found ? std::optional<std::int64_t>(query.integer(0)) : std::nullopt;
}

Result<std::vector<SecretBytes>> PsrdTables::extend_leases(const std::vector<PsrdLease>& leases) {
  std::vector<SecretBytes> bytes;
  bytes.reserve(leases.size());
  for (const PsrdLease& lease : leases) {
    auto extended = extend_lease(lease);
    if (!extended) return extended.error();
    bytes.push_back(std::move(*extended));
  }
  return bytes;
}

Result<SecretBytes> PsrdTables::extend_lease(const PsrdLease& lease) {
  const auto row = present(lease.block);
  if (!row) return row.error();
  const ZoneOf zone{own_, lease.zone};
  if (!within(lease.begin, row->layout, zone) || !within(lease.end, row->layout, zone)) {
    return bad_position(lease.block, "a lease lies outside its zone");
  }
  const std::uint64_t begin = row->layout.begin(zone.side, zone.zone);
  const std::uint64_t durable = row->lease_end[lease.zone];
  if (lease.begin > lease.end || lease.used_to > lease.begin || lease.used_to < begin ||
      piece_end(row->layout, zone, lease.begin) < row->wiped[lease.zone]) {
    return bad_position(lease.block, "a lease's positions are not in their order");
  }
  const auto block = vault_.find(lease.block);
  // Wiped is only what a restart would not use: so nothing is lost if the lease never becomes durable.
  std::uint64_t used_to = piece_end(row->layout, zone, lease.used_to);
  if (used_to > lease.begin) used_to = piece_begin(row->layout, zone, lease.used_to);
  used_to = std::min(used_to, piece_begin(row->layout, zone, durable));
  const std::uint64_t wiped = std::max(row->wiped[lease.zone], used_to);
  if (wiped > row->wiped[lease.zone]) {
    if (auto done = block->file().wipe(row->wiped[lease.zone], wiped); !done) return done.error();
    if (auto done = block->file().sync(); !done) return done.error();
    block->note_wiped(zone, wiped);
  }
  auto bytes = block->read_durable(lease.begin, lease.end - lease.begin);
  if (!bytes) return bytes.error();
  if (lease.end > durable) {
    if (auto deleted = delete_head(*row, zone); !deleted) return deleted.error();
  }
  auto updated =
      database_
          .query(lease.zone == Zone::authenticator
                     ? "UPDATE psrd_block SET authenticator_lease_end = ?, authenticator_wiped = ?,"
                       " opened = coalesce(opened, (SELECT value FROM generation) + 1)"
                       " WHERE number = ?"
                     : "UPDATE psrd_block SET pad_lease_end = ?, pad_wiped = ?,"
                       " opened = coalesce(opened, (SELECT value FROM generation) + 1)"
                       " WHERE number = ?")
          .bind(std::max(durable, lease.end))
          .bind(wiped)
          .bind(row->number)
          .run();
  if (!updated) return updated.error();
  return bytes;
}

Result<void> PsrdTables::return_leases(const std::vector<PsrdReturn>& returns) {
  for (const PsrdReturn& returned : returns) {
    if (auto done = return_lease(returned); !done) return done;
  }
  return {};
}

Result<void> PsrdTables::return_lease(const PsrdReturn& returned) {
  const auto row = present(returned.block);
  if (!row) return row.error();
  const ZoneOf zone{own_, returned.zone};
  const std::uint64_t wiped = row->wiped[returned.zone];
  if (!within(returned.position, row->layout, zone) || returned.position > row->lease_end[returned.zone] ||
      piece_end(row->layout, zone, returned.position) < wiped) {
    return bad_position(returned.block, "what is given back was not leased, or is wiped");
  }
  const auto block = vault_.find(returned.block);
  const std::uint64_t head_end = piece_end(row->layout, zone, returned.position);
  if (head_end == returned.position) {
    if (auto deleted = delete_head(*row, zone); !deleted) return deleted;
  } else {
    const std::uint64_t wanted = head_end - returned.position;
    SecretBytes head = SecretBytes::copy_of(
        returned.bytes.view().first(std::min<std::uint64_t>(wanted, returned.bytes.size())));
    if (head.size() < wanted) {
      const auto rest = block->read_durable(returned.position + head.size(), wanted - head.size());
      if (!rest) return rest.error();
      head.append(rest->view());
    }
    if (auto put = put_head(*row, zone, returned.position, head.view()); !put) return put;
    database_.on_commit([block, position = returned.position, head = std::move(head)]() mutable {
      block->set_head(position, std::move(head));
    });
  }
  database_.on_commit([block, zone, head_end] { block->wipe_used(zone, head_end); });
  return database_
      .query(returned.zone == Zone::authenticator
                 ? "UPDATE psrd_block SET authenticator_lease_end = ?,"
                   " opened = coalesce(opened, (SELECT value FROM generation) + 1) WHERE number = ?"
                 : "UPDATE psrd_block SET pad_lease_end = ?,"
                   " opened = coalesce(opened, (SELECT value FROM generation) + 1) WHERE number = ?")
      .bind(returned.position)
      .bind(row->number)
      .run();
}

Result<void> PsrdTables::raise_floors(const std::vector<PsrdFloor>& floors) {
  for (const PsrdFloor& floor : floors) {
    if (auto raised = raise_floor(floor); !raised) return raised;
  }
  return {};
}

Result<void> PsrdTables::raise_floor(const PsrdFloor& raised) {
  const auto row = read(raised.block);
  if (!row) return row.error();
  const auto block = vault_.find(raised.block);
  if (!*row || block == nullptr) return {};
  const PsrdLayout& layout = (**row).layout;
  const ZoneOf zone{other_side(own_), raised.zone};
  if (!within(raised.floor, layout, zone)) return bad_position(raised.block, "a floor lies outside its zone");
  if (raised.floor <= (**row).floor[raised.zone]) return {};
  const std::uint64_t head_end = piece_end(layout, zone, raised.floor);
  std::uint64_t floor = raised.floor;
  if (floor < head_end) {
    auto head = block->read_durable(floor, head_end - floor);
    if (head) {
      if (auto put = put_head(**row, zone, floor, head->view()); !put) return put;
      database_.on_commit(
          [block, floor, bytes = std::move(*head)]() mutable { block->set_head(floor, std::move(bytes)); });
    } else if (head.error().kind == ErrorKind::corrupt) {
      log::error("{}: what is left of that piece is not used", head.error().message);
      floor = head_end;
    } else {
      return head.error();
    }
  }
  if (floor == head_end) {
    if (auto deleted = delete_head(**row, zone); !deleted) return deleted;
    database_.on_commit([block, zone] { block->drop_head(zone); });
  }
  std::uint64_t wiped = (**row).floor_wiped[raised.zone];
  const std::uint64_t settled = block->wiped_to(zone);
  if (settled > wiped && settled - wiped >= kNoteWipedBytes) {
    if (auto synced = block->file().sync(); !synced) return synced;
    wiped = settled;
  }
  database_.on_commit([block, zone, head_end] { block->wipe_used(zone, head_end); });
  return database_
      .query(raised.zone == Zone::authenticator
                 ? "UPDATE psrd_block SET authenticator_floor = ?, authenticator_floor_wiped = ?"
                   " WHERE number = ?"
                 : "UPDATE psrd_block SET pad_floor = ?, pad_floor_wiped = ? WHERE number = ?")
      .bind(floor)
      .bind(wiped)
      .bind((**row).number)
      .run();
}

Result<void> PsrdTables::put_head(const Row& row, const ZoneOf& zone, std::uint64_t position,
                                  ByteView bytes) {
  const Bytes sealed = vault_.sealer().seal(bytes, as_bytes(head_label(row.id, zone, position)));
  return database_
      .query("INSERT OR REPLACE INTO psrd_head (block, zone, position, sealed) VALUES (?, ?, ?, ?)")
      .bind(row.number)
      .bind(static_cast<std::int64_t>(zone.index()))
      .bind(position)
      .bind(ByteView(sealed))
      .run();
}

Result<void> PsrdTables::delete_head(const Row& row, const ZoneOf& zone) {
  return database_.query("DELETE FROM psrd_head WHERE block = ? AND zone = ?")
      .bind(row.number)
      .bind(static_cast<std::int64_t>(zone.index()))
      .run();
}

Result<void> PsrdTables::load_heads(const Row& row, StoredBlock& block) {
  for (const ZoneOf zone :
       {ZoneOf{own_, Zone::authenticator}, ZoneOf{own_, Zone::pad},
        ZoneOf{other_side(own_), Zone::authenticator}, ZoneOf{other_side(own_), Zone::pad}}) {
    auto query = database_.query("SELECT position, sealed FROM psrd_head WHERE block = ? AND zone = ?");
    const auto found = query.bind(row.number).bind(static_cast<std::int64_t>(zone.index())).step();
    if (!found) return found.error();
    if (!*found) continue;
    const std::uint64_t position = query.number(0);
    auto bytes = vault_.sealer().open(query.blob(1), as_bytes(head_label(row.id, zone, position)));
    const bool fits = bytes && within(position, row.layout, zone) &&
                      position + bytes->size() == piece_end(row.layout, zone, position);
    if (!fits) return Error{ErrorKind::corrupt, "PSRD block " + row.id.text() + " is damaged in the store"};
    block.set_head(position, std::move(*bytes));
  }
  return {};
}

// Below its positions nothing of a block is used after a restart. In the middle of a piece, the rest of it
// is there as a head, or was leased with it.
Result<void> PsrdTables::wipe_leftovers(const Row& row, StoredBlock& block) {
  PerZone<std::uint64_t> wiped = row.wiped;
  PerZone<std::uint64_t> floor_wiped = row.floor_wiped;
  const auto settle = [&](const ZoneOf& zone, std::uint64_t position, std::uint64_t& noted) -> Result<bool> {
    auto query = database_.query("SELECT 1 FROM psrd_head WHERE block = ? AND zone = ?");
    const auto has_head = query.bind(row.number).bind(static_cast<std::int64_t>(zone.index())).step();
    if (!has_head) return has_head.error();
    const std::uint64_t to =
        *has_head ? piece_end(row.layout, zone, position) : piece_begin(row.layout, zone, position);
    block.note_wiped(zone, std::max(to, noted));
    if (to <= noted) return false;
    if (auto done = block.file().wipe(noted, to); !done) return done.error();
    noted = to;
    return true;
  };
  bool changed = false;
  for (const Zone zone : kZones) {
    for (const auto& [of, position, noted] :
         {std::tuple<ZoneOf, std::uint64_t, std::uint64_t*>{{own_, zone}, row.lease_end[zone], &wiped[zone]},
          {{other_side(own_), zone}, row.floor[zone], &floor_wiped[zone]}}) {
      const auto settled = settle(of, position, *noted);
      if (!settled) return settled.error();
      changed = changed || *settled;
    }
  }
  if (!changed) return {};
  if (auto synced = block.file().sync(); !synced) return synced;
  return database_
      .query(
          "UPDATE psrd_block SET authenticator_wiped = ?, pad_wiped = ?, authenticator_floor_wiped = ?,"
          " pad_floor_wiped = ? WHERE number = ?")
      .bind(wiped.authenticator)
      .bind(wiped.pad)
      .bind(floor_wiped.authenticator)
      .bind(floor_wiped.pad)
      .bind(row.number)
      .run();
}

Result<void> PsrdTables::drop(const BlockId& block) {
  const auto number = find(block);
  if (!number) return number.error();
  if (!*number) return {};
  database_.on_commit([&vault = vault_, block] { vault.remove(block); });
  // secure_delete overwrites the sealed key.
  return database_.query("DELETE FROM psrd_block WHERE number = ?").bind(**number).run();
}

Result<void> PsrdTables::remember(const BlockId& block) {
  return database_.query("INSERT OR IGNORE INTO known_block (id) VALUES (?)").bind(block.uuid()).run();
}

Result<bool> PsrdTables::is_known(const BlockId& block) {
  return database_.query("SELECT 1 FROM known_block WHERE id = ?").bind(block.uuid()).step();
}

Result<std::optional<PsrdBlock>> PsrdTables::load(std::int64_t number) {
  Row row;
  {
    static const std::string sql = std::string(kRowColumns) + "WHERE number = ?";
    auto query = database_.query(sql);
    const auto found = query.bind(number).step();
    if (!found) return found.error();
    if (!*found)
      return Error{ErrorKind::corrupt, "row " + std::to_string(number) + " of psrd_block is missing"};
    auto read_row = Row::of(query, own_);
    if (!read_row) return read_row.error();
    row = std::move(*read_row);
  }
  const auto damaged = [&](const Error& error) { return error.within("PSRD block " + row.id.text()); };
  auto stored = vault_.find(row.id);
  if (stored == nullptr) {
    auto key = vault_.sealer().open(row.sealed_key, as_bytes(key_label(row.id)));
    if (!key) return damaged(key.error());
    auto loaded = vault_.load(row.id, row.layout, std::move(*key));
    if (!loaded && loaded.error().kind == ErrorKind::corrupt) {
      log::error("PSRD block {} is lost: {}", row.id.text(), loaded.error().message);
      if (auto dropped = drop(row.id); !dropped) return dropped.error();
      return std::optional<PsrdBlock>();
    }
    if (!loaded) return damaged(loaded.error());
    stored = std::move(*loaded);
    if (auto heads = load_heads(row, *stored); !heads) return heads.error();
    if (auto wiped = wipe_leftovers(row, *stored); !wiped) return damaged(wiped.error());
  }
  return std::optional<PsrdBlock>({row.id, row.layout, std::move(stored), row.lease_end, row.floor});
}

Result<std::vector<BlockId>> PsrdTables::ids(bool opened_only) {
  auto query = database_.query("SELECT id FROM psrd_block WHERE opened IS NOT NULL OR NOT ? ORDER BY number");
  query.bind(std::int64_t{opened_only});
  std::vector<BlockId> found;
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return found;
    const auto id = query.uuid(0);
    if (!id) return id.error().within("psrd_block");
    found.emplace_back(*id);
  }
}

}  // namespace dske::store
