// PSRD blocks in the database, the part that hubs and KMEs have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dske/psrd_block.h"
#include "dske/psrd_store.h"
#include "store/database.h"

namespace dske::store {

/// A block's row tells its layout and positions; its bytes lie in psrd_data in pieces of kPieceBytes, so that
/// wiping a few touches little. `known_block` holds for ever the ids of all blocks that ever were in the
/// store.
extern const std::string_view kPsrdTables;

/// All calls belong into a transaction.
class PsrdTables {
 public:
  /// `own`: the side whose half this node allocates from.
  PsrdTables(Database& database, Side own) : database_(database), own_(own) {}

  /// Answers the number of its row. ErrorKind::conflict if its id was ever known; ErrorKind::invalid if its
  /// sizes or positions make no sense.
  Result<std::int64_t> add(const PsrdBlock& block);
  /// As PsrdStore::extend_leases. An end may also be lowered, down to what is wiped. ErrorKind::not_found if
  /// a block is not there, ErrorKind::invalid if a position is outside its zone or its order is wrong.
  Result<void> extend_leases(const std::vector<PsrdLease>& leases);
  /// As PsrdStore::raise_floors. Floors of blocks that are not there, and lower ones than before, are
  /// ignored.
  Result<void> raise_floors(const std::vector<PsrdFloor>& floors);
  /// Wipes and removes a block; no error if it is not there.
  Result<void> drop(const BlockId& block);
  /// Remembers an id as known.
  Result<void> remember(const BlockId& block);

  /// Answers whether a block's row is there, and its number.
  Result<std::optional<std::int64_t>> find(const BlockId& block);
  /// Reads a block, after wiping what lies below its leases and is not wiped yet (a crash may leave such
  /// bytes).
  Result<PsrdBlock> load(std::int64_t number);
  /// The ids of all blocks, or of those from which a lease was ever taken.
  Result<std::vector<BlockId>> ids(bool opened_only);

 private:
  struct Row;
  Result<std::optional<Row>> read(const BlockId& block);
  Result<void> extend_lease(const PsrdLease& lease);
  Result<void> wipe(std::int64_t number, std::uint64_t begin, std::uint64_t end);
  Result<void> write_data(std::int64_t number, ByteView data);

  Database& database_;
  Side own_;
};

}  // namespace dske::store
