// The bundles that a KME has posted or holds, in the database.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/result.h"
#include "base/sealer.h"
#include "store/database.h"
#include "store/kme_store.h"

namespace dske::store {

extern const std::string_view kBundleTables;

/// All calls belong into a transaction; their contracts are KmeStore's.
class BundleTables {
 public:
  BundleTables(Database& database, const Sealer& sealer) : database_(database), sealer_(sealer) {}

  /// ErrorKind::conflict if it is there already.
  Result<void> begin(const PostedBundle& bundle);
  /// An acknowledged bundle needs no record: only unacknowledged ones are withdrawn after a restart.
  /// ErrorKind::not_found if it is not there, and so was forgotten or has expired.
  Result<void> acknowledge(const BundleId& id);
  Result<void> forget(const BundleId& id);

  Result<void> hold(const HeldBundle& bundle);
  Result<void> record_deliveries(const std::vector<Delivery>& deliveries);
  Result<std::vector<BundleName>> expire(const Clock& clock);

  Result<std::vector<PostedBundle>> unacknowledged();
  Result<std::vector<HeldBundle>> held();

 private:
  /// ErrorKind::not_found if the bundle is not held, ErrorKind::invalid if it has no such key.
  Result<void> record_delivery(const Delivery& delivery);
  Result<Bytes> delivered_bits(std::int64_t bundle, const SaeId& sae_id);
  Result<std::map<SaeId, std::vector<std::uint16_t>>> deliveries(std::int64_t bundle);

  Database& database_;
  const Sealer& sealer_;
};

}  // namespace dske::store
