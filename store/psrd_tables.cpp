#include "store/psrd_tables.h"

#include <algorithm>
#include <string>

namespace dske::store {

// `opened`: the generation (store/set_back_guard.h) in which the first lease was taken.
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
  opened INTEGER
) STRICT;
CREATE INDEX psrd_block_opened ON psrd_block (opened) WHERE opened IS NOT NULL;
CREATE TABLE psrd_data (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE known_block (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
)";

namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{64} << 10;
// A block has at most 1 GiB, so its pieces are fewer than these.
constexpr std::int64_t kPiecesMost = std::int64_t{1} << 16;

BlobPlace piece(std::int64_t number, std::uint64_t index) {
  return {"psrd_data", "bytes", number * kPiecesMost + static_cast<std::int64_t>(index)};
}

bool within(std::uint64_t position, const PsrdLayout& layout, Side side, Zone zone) {
  return position >= layout.begin(side, zone) && position <= layout.end(side, zone);
}

bool positions_make_sense(const PsrdLayout& layout, Side own, const PerZone<std::uint64_t>& lease_end,
                          const PerZone<std::uint64_t>& floor) {
  return std::all_of(kZones.begin(), kZones.end(), [&](Zone zone) {
    return within(lease_end[zone], layout, own, zone) && within(floor[zone], layout, other_side(own), zone);
  });
}

Error bad_position(const BlockId& block, const char* what) {
  return invalid("PSRD block " + block.text() + ": " + what);
}

constexpr std::string_view kRowColumns =
    "SELECT number, id, client_authenticator, client_pad, hub_authenticator, hub_pad,"
    " authenticator_lease_end, pad_lease_end, authenticator_wiped, pad_wiped, authenticator_floor, pad_floor"
    " FROM psrd_block ";

}  // namespace

struct PsrdTables::Row {
  std::int64_t number = 0;
  BlockId id;
  PsrdLayout layout;
  PerZone<std::uint64_t> lease_end;
  PerZone<std::uint64_t> wiped;  // of the own half, everything below is zero
  PerZone<std::uint64_t> floor;

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
    if (!row.layout.check() || !positions_make_sense(row.layout, own, row.lease_end, row.floor) ||
        !positions_make_sense(row.layout, own, row.wiped, row.floor)) {
      return Error{ErrorKind::corrupt, "PSRD block " + row.id.text() + " is damaged in the store"};
    }
    return row;
  }
};

Result<std::int64_t> PsrdTables::add(const PsrdBlock& block) {
  if (auto checked = block.layout.check(); !checked) return checked.error();
  if (block.data.size() != block.layout.total())
    return bad_position(block.id, "its data is not of its layout's size");
  if (!positions_make_sense(block.layout, own_, block.lease_end, block.floor)) {
    return bad_position(block.id, "a position lies outside its zone");
  }
  if (auto known = database_.query("INSERT INTO known_block (id) VALUES (?)").bind(block.id.uuid()).run();
      !known) {
    if (known.error().kind != ErrorKind::conflict) return known.error();
    return Error{ErrorKind::conflict, "PSRD block " + block.id.text() + " has been in this store before"};
  }
  const PsrdBlock fresh = PsrdBlock::fresh(block.id, block.layout, {}, own_);
  const bool opened = block.lease_end != fresh.lease_end;
  {
    auto query = database_.query(
        "INSERT INTO psrd_block"
        " (id, client_authenticator, client_pad, hub_authenticator, hub_pad,"
        " authenticator_lease_end, pad_lease_end, authenticator_wiped, pad_wiped,"
        " authenticator_floor, pad_floor, opened)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CASE WHEN ? THEN 0 END)");
    query.bind(block.id.uuid()).bind(block.layout.client_authenticator).bind(block.layout.client_pad);
    query.bind(block.layout.hub_authenticator).bind(block.layout.hub_pad);
    query.bind(block.lease_end.authenticator).bind(block.lease_end.pad);
    query.bind(fresh.lease_end.authenticator).bind(fresh.lease_end.pad);
    query.bind(block.floor.authenticator).bind(block.floor.pad).bind(std::int64_t{opened});
    if (auto inserted = query.run(); !inserted) return inserted.error();
  }
  const std::int64_t number = database_.inserted_row();
  if (auto written = write_data(number, block.data.view()); !written) return written.error();
  return number;
}

Result<void> PsrdTables::write_data(std::int64_t number, ByteView data) {
  for (std::uint64_t index = 0; !data.empty(); ++index) {
    const ByteView bytes = data.first(std::min<std::size_t>(data.size(), kPieceBytes));
    const BlobPlace place = piece(number, index);
    auto inserted = database_.query("INSERT INTO psrd_data (place, bytes) VALUES (?, ?)")
                        .bind(place.row)
                        .bind_zeros(bytes.size())
                        .run();
    if (!inserted) return inserted;
    if (auto written = database_.write_blob(place, 0, bytes); !written) return written;
    data = data.subspan(bytes.size());
  }
  return {};
}

Result<void> PsrdTables::wipe(std::int64_t number, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const std::uint64_t offset = begin % kPieceBytes;
    const std::uint64_t size = std::min(end - begin, kPieceBytes - offset);
    if (auto wiped = database_.wipe_blob(piece(number, begin / kPieceBytes), offset, size); !wiped)
      return wiped;
    begin += size;
  }
  return {};
}

Result<std::optional<PsrdTables::Row>> PsrdTables::read(const BlockId& block) {
  static const std::string sql = std::string(kRowColumns) + "WHERE id = ?";
  auto query = database_.query(sql);
  const auto found = query.bind(block.uuid()).step();
  if (!found) return found.error();
  if (!*found) return std::optional<Row>();
  auto row = Row::of(query, own_);
  if (!row) return row.error();
  return std::optional<Row>(*row);
}

Result<std::optional<std::int64_t>> PsrdTables::find(const BlockId& block) {
  auto query = database_.query("SELECT number FROM psrd_block WHERE id = ?");
  const auto found = query.bind(block.uuid()).step();
  if (!found) return found.error();
  return *found ? std::optional<std::int64_t>(query.integer(0)) : std::nullopt;
}

Result<void> PsrdTables::extend_leases(const std::vector<PsrdLease>& leases) {
  for (const PsrdLease& lease : leases) {
    if (auto extended = extend_lease(lease); !extended) return extended;
  }
  return {};
}

Result<void> PsrdTables::extend_lease(const PsrdLease& lease) {
  const auto row = read(lease.block);
  if (!row) return row.error();
  if (!*row) return Error{ErrorKind::not_found, "PSRD block " + lease.block.text() + " is not in the store"};
  const std::uint64_t already_wiped = (**row).wiped[lease.zone];
  if (!within(lease.end, (**row).layout, own_, lease.zone))
    return bad_position(lease.block, "a lease ends outside its zone");
  if (lease.wipe_begin > lease.wipe_end || lease.wipe_end > lease.end) {
    return bad_position(lease.block, "a range to wipe is not below its lease's end");
  }
  // Bytes that read as zeros must never be allocated again.
  const std::uint64_t wiped = std::max(already_wiped, lease.wipe_end);
  if (lease.end < wiped) return bad_position(lease.block, "a lease cannot end below what is wiped");
  // Also what lies between, if the caller left a gap: after a restart nothing below the lease's end is used.
  if (auto done = wipe((**row).number, already_wiped, wiped); !done) return done;
  return database_
      .query(lease.zone == Zone::authenticator
                 ? "UPDATE psrd_block SET authenticator_lease_end = ?, authenticator_wiped = ?,"
                   " opened = coalesce(opened, (SELECT value FROM generation) + 1) WHERE number = ?"
                 : "UPDATE psrd_block SET pad_lease_end = ?, pad_wiped = ?,"
                   " opened = coalesce(opened, (SELECT value FROM generation) + 1) WHERE number = ?")
      .bind(lease.end)
      .bind(wiped)
      .bind((**row).number)
      .run();
}

Result<void> PsrdTables::raise_floors(const std::vector<PsrdFloor>& floors) {
  for (const PsrdFloor& floor : floors) {
    const auto row = read(floor.block);
    if (!row) return row.error();
    if (!*row) continue;
    if (!within(floor.floor, (**row).layout, other_side(own_), floor.zone)) {
      return bad_position(floor.block, "a floor lies outside its zone");
    }
    const std::uint64_t before = (**row).floor[floor.zone];
    if (floor.floor <= before) continue;
    if (auto wiped = wipe((**row).number, before, floor.floor); !wiped) return wiped;
    auto raised = database_
                      .query(floor.zone == Zone::authenticator
                                 ? "UPDATE psrd_block SET authenticator_floor = ? WHERE number = ?"
                                 : "UPDATE psrd_block SET pad_floor = ? WHERE number = ?")
                      .bind(floor.floor)
                      .bind((**row).number)
                      .run();
    if (!raised) return raised;
  }
  return {};
}

Result<void> PsrdTables::drop(const BlockId& block) {
  const auto number = find(block);
  if (!number) return number.error();
  if (!*number) return {};
  // secure_delete overwrites the pages.
  auto bytes_gone = database_.query("DELETE FROM psrd_data WHERE place BETWEEN ? AND ?")
                        .bind(**number * kPiecesMost)
                        .bind((**number + 1) * kPiecesMost - 1)
                        .run();
  if (!bytes_gone) return bytes_gone;
  return database_.query("DELETE FROM psrd_block WHERE number = ?").bind(**number).run();
}

Result<void> PsrdTables::remember(const BlockId& block) {
  return database_.query("INSERT OR IGNORE INTO known_block (id) VALUES (?)").bind(block.uuid()).run();
}

Result<PsrdBlock> PsrdTables::load(std::int64_t number) {
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
    row = *read_row;
  }
  const auto damaged = [&](const Error& error) { return error.within("PSRD block " + row.id.text()); };
  for (const Zone zone : kZones) {
    if (auto wiped = wipe(number, row.wiped[zone], row.lease_end[zone]); !wiped)
      return damaged(wiped.error());
  }
  if (row.wiped != row.lease_end) {
    auto noted = database_
                     .query(
                         "UPDATE psrd_block SET"
                         " authenticator_wiped = max(authenticator_wiped, authenticator_lease_end),"
                         " pad_wiped = max(pad_wiped, pad_lease_end) WHERE number = ?")
                     .bind(number)
                     .run();
    if (!noted) return noted.error();
  }
  PsrdBlock block{row.id, row.layout, SecretBytes(row.layout.total()), row.lease_end, row.floor};
  for (std::uint64_t begin = 0; begin < block.data.size(); begin += kPieceBytes) {
    const std::size_t size = std::min<std::size_t>(kPieceBytes, block.data.size() - begin);
    auto read_result =
        database_.read_blob(piece(number, begin / kPieceBytes), 0, block.data.span().subspan(begin, size));
    if (!read_result) return damaged(read_result.error());
  }
  return block;
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
    if (!id) return id.error();
    found.emplace_back(*id);
  }
}

}  // namespace dske::store
