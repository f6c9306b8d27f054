// The keys that a KME has ready for its master SAEs, in the database.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/result.h"
#include "base/sealer.h"
#include "store/database.h"
#include "store/kme_store.h"

namespace dske::store {

extern const std::string_view kReadyTables;

/// All calls belong into a transaction; their contracts are KmeStore's.
class ReadyTables {
 public:
  ReadyTables(Database& database, const Sealer& sealer) : database_(database), sealer_(sealer) {}

  /// ErrorKind::conflict if the bundle is there already, ErrorKind::invalid if its numbers do not fit.
  Result<void> add(const ReadyBundle& bundle);
  Result<std::vector<ReadyLeased>> lease(const std::vector<ReadyLease>& leases);
  /// ErrorKind::invalid if keys do not join those that their bundle has.
  Result<void> give_back(const std::vector<ReadyReturn>& returns);
  Result<void> drop(const std::vector<BundleId>& bundles);
  Result<void> expire(const Clock& clock);

  /// Those that have keys which nobody was given; drops the others, whose keys were leased by an earlier run.
  Result<std::vector<ReadyEntry>> entries();

 private:
  struct Row {
    ReadyEntry entry;
    SecretBytes keys;
  };
  /// Nothing if there is no such bundle. ErrorKind::corrupt if its keys do not open.
  Result<std::optional<Row>> find(const BundleId& bundle);
  Result<ReadyLeased> lease(const ReadyLease& lease);
  Result<void> update(const BundleId& bundle, std::uint32_t first, ByteView keys);

  Database& database_;
  const Sealer& sealer_;
};

}  // namespace dske::store
