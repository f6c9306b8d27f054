// The shares that wait at a hub, and who has a claim on them, in the database.
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
#include "store/hub_store.h"

namespace dske::store {

extern const std::string_view kShareTables;

/// All calls belong into a transaction; their contracts are HubStore's.
class ShareTables {
 public:
  ShareTables(Database& database, const Sealer& sealer) : database_(database), sealer_(sealer) {}

  Result<void> add(const ShareRecord& share, const std::vector<ClientName>& claimants);
  Result<ShareRecord> load(const BundleName& bundle, const ClientName& claimant);
  Result<std::uint64_t> withdraw(const BundleName& bundle);
  Result<std::vector<WaitingAmount>> confirm(const ClientName& claimant,
                                             const std::vector<BundleName>& bundles);
  /// Ends all claims of a client; answers as confirm().
  Result<std::vector<WaitingAmount>> end_claims(const ClientName& claimant);
  Result<PendingShares> pending(const ClientName& claimant, std::uint64_t cursor, std::size_t most);
  /// Removes a client's claims, and the shares that it posted or that only it had a claim on. Answers as
  /// confirm().
  Result<std::vector<WaitingAmount>> remove_client(const ClientName& client);
  Result<std::vector<WaitingAmount>> expire(const Clock& clock);
  Result<std::vector<WaitingAmount>> waiting();

 private:
  struct Found {
    std::int64_t number;
    std::uint64_t share_bytes;
  };
  Result<std::optional<Found>> find(const BundleName& bundle);
  Result<std::vector<WaitingAmount>> amounts(Query& query);

  Database& database_;
  const Sealer& sealer_;
};

}  // namespace dske::store
