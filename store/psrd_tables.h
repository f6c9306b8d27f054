// PSRD blocks in the database, the part that hubs and KMEs have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dske/psrd_block.h"
#include "dske/psrd_store.h"
#include "store/block_vault.h"
#include "store/database.h"

namespace dske::store {

/// A block's row tells its layout, its positions and its key; its bytes lie in the vault. `known_block` holds
/// for ever the ids of all blocks that ever were in the store.
extern const std::string_view kPsrdTables;

/// All calls belong into a transaction, but for those that say otherwise.
class PsrdTables {
 public:
  /// `own`: the side whose half this node allocates from.
  PsrdTables(Database& database, BlockVault& vault, Side own)
      : database_(database), vault_(vault), own_(own) {}

  struct Added {
    std::int64_t number;  ///< of its row
    PsrdBlock block;
  };
  /// Adds a block whose bytes have been written and finished. ErrorKind::conflict if its id was ever known.
  Result<Added> add(const BlockWriter& written);
  /// As PsrdStore::extend_leases. What is used is wiped, durably, before the lease is. ErrorKind::not_found
  /// if a block is not there, ErrorKind::invalid if a position is outside its zone or its order is wrong.
  Result<std::vector<SecretBytes>> extend_leases(const std::vector<PsrdLease>& leases);
  /// As PsrdStore::return_leases. Errors as extend_leases().
  Result<void> return_leases(const std::vector<PsrdReturn>& returns);
  /// As PsrdStore::raise_floors. Floors of blocks that are not there, and lower ones than before, are
  /// ignored.
  Result<void> raise_floors(const std::vector<PsrdFloor>& floors);
  /// Removes a block, its key and its bytes; no error if it is not there.
  Result<void> drop(const BlockId& block);
  /// Remembers an id as known.
  Result<void> remember(const BlockId& block);
  Result<bool> is_known(const BlockId& block);

  /// Answers whether a block's row is there, and its number.
  Result<std::optional<std::int64_t>> find(const BlockId& block);
  /// Reads a block, after wiping what lies below its positions and is not wiped yet (a crash may leave such
  /// bytes). Nothing if its bytes are lost; then it is dropped.
  Result<std::optional<PsrdBlock>> load(std::int64_t number);
  /// The ids of all blocks, or of those from which a lease was ever taken.
  Result<std::vector<BlockId>> ids(bool opened_only);

 private:
  struct Row;
  Result<std::optional<Row>> read(const BlockId& block);
  Result<Row> present(const BlockId& block);
  Result<SecretBytes> extend_lease(const PsrdLease& lease);
  Result<void> return_lease(const PsrdReturn& returned);
  Result<void> raise_floor(const PsrdFloor& raised);

  Result<void> put_head(const Row& row, const ZoneOf& zone, std::uint64_t position, ByteView bytes);
  Result<void> delete_head(const Row& row, const ZoneOf& zone);
  Result<void> load_heads(const Row& row, StoredBlock& block);
  Result<void> wipe_leftovers(const Row& row, StoredBlock& block);

  Database& database_;
  BlockVault& vault_;
  Side own_;
};

}  // namespace dske::store
