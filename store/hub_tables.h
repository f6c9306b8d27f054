// The hubs that a KME shares PSRD with, and its blocks, in the database.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/result.h"
#include "store/database.h"
#include "store/kme_store.h"
#include "store/psrd_tables.h"

namespace dske::store {

extern const std::string_view kHubTables;

/// All calls belong into a transaction; their contracts are KmeStore's.
class HubTables {
 public:
  HubTables(Database& database, BlockVault& vault)
      : database_(database), blocks_(database, vault, Side::client) {}

  Result<PsrdBlock> ingest_block(const HubRecord& hub, const BlockWriter& written);
  Result<void> forget(const HubId& hub);
  /// The next number is the last plus one, or the milliseconds since 1970 if those are more: so it grows also
  /// if the database was set back.
  Result<std::uint64_t> next_registration_number(const HubId& hub, const Clock& clock);

  Result<std::vector<HubRecord>> hubs();
  Result<std::vector<HubBlock>> blocks();

 private:
  Result<void> check_room(const HubId& hub);

  Database& database_;
  PsrdTables blocks_;
};

}  // namespace dske::store
