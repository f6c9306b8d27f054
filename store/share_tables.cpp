#include "store/share_tables.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "store/deadline_columns.h"

namespace dske::store {

// Shares are numbered in the order in which they came, and no number is given twice: they are the cursors of
// the pending list.
const std::string_view kShareTables = R"(
CREATE TABLE share (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  initiator TEXT NOT NULL,
  bundle_id BLOB NOT NULL,
  context BLOB NOT NULL,
  secret_tag BLOB NOT NULL,
  boot_id TEXT NOT NULL,
  boottime_nanos INTEGER NOT NULL,
  wall_seconds INTEGER NOT NULL,
  sealed_share BLOB NOT NULL,
  UNIQUE (initiator, bundle_id)
) STRICT;
CREATE INDEX share_boot ON share (boot_id, boottime_nanos);
CREATE INDEX share_wall ON share (wall_seconds);
CREATE TABLE claim (
  claimant TEXT NOT NULL,
  share INTEGER NOT NULL REFERENCES share (number) ON DELETE CASCADE,
  PRIMARY KEY (claimant, share)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_share ON claim (share);
)";

namespace {

std::string text_of(const BundleName& bundle) {
  return "bundle " + bundle.id.text() + " of " + bundle.initiator.text();
}

std::string label_of(const BundleName& bundle) {
  return "share of " + text_of(bundle);
}

Error damaged(const BundleName& bundle, const std::string& cause) {
  return {ErrorKind::corrupt, "the stored share of " + text_of(bundle) + " is damaged: " + cause};
}

}  // namespace

Result<void> ShareTables::add(const ShareRecord& share, const std::vector<ClientName>& claimants) {
  const BundleName bundle = share.context.name();
  if (auto checked = share.context.check(); !checked) return checked;
  if (share.share.size() != share.context.share_bytes())
    return invalid("the share of " + text_of(bundle) + " has another size");
  if (claimants.empty()) return invalid("nobody has a claim on " + text_of(bundle));
  {
    auto query = database_.query("SELECT 1 FROM client WHERE name = ?");
    const auto row = query.bind(std::string_view(bundle.initiator.text())).step();
    if (!row) return row.error();
    if (!*row) return Error{ErrorKind::forbidden, "there is no client " + bundle.initiator.text()};
  }
  const Bytes context = share.context.encode();
  const Bytes sealed = sealer_.seal(share.share.view(), as_bytes(label_of(bundle)));
  {
    auto query = database_.query(
        "INSERT INTO share"
        " (initiator, bundle_id, context, secret_tag, boot_id, boottime_nanos, wall_seconds, sealed_share)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query.bind(std::string_view(bundle.initiator.text())).bind(bundle.id.uuid());
    query.bind(ByteView(context)).bind(ByteView(share.secret_tag));
    bind_deadline(query, share.expires);
    if (auto inserted = query.bind(ByteView(sealed)).run(); !inserted) {
      if (inserted.error().kind != ErrorKind::conflict) return inserted;
      return Error{ErrorKind::conflict, text_of(bundle) + " is here already"};
    }
  }
  const std::int64_t number = database_.inserted_row();
  std::int64_t claims = 0;
  for (const ClientName& claimant : claimants) {
    auto claimed =
        database_
            .query(
                "INSERT OR IGNORE INTO claim (claimant, share) SELECT name, ?2 FROM client WHERE name = ?1")
            .bind(std::string_view(claimant.text()))
            .bind(number)
            .run();
    if (!claimed) return claimed;
    claims += database_.changed_rows();
  }
  if (claims == 0)
    return Error{ErrorKind::not_found, "nobody with a claim on " + text_of(bundle) + " is a client here"};
  return {};
}

Result<ShareRecord> ShareTables::load(const BundleName& bundle, const ClientName& claimant) {
  ShareRecord record;
  Result<SecretBytes> share = SecretBytes();
  {
    auto query = database_.query(
        "SELECT sealed_share, context, secret_tag, boot_id, boottime_nanos, wall_seconds"
        " FROM share JOIN claim ON claim.share = number"
        " WHERE initiator = ? AND bundle_id = ? AND claimant = ?");
    query.bind(std::string_view(bundle.initiator.text())).bind(bundle.id.uuid());
    const auto row = query.bind(std::string_view(claimant.text())).step();
    if (!row) return row.error();
    if (!*row)
      return Error{ErrorKind::not_found, "no share of " + text_of(bundle) + " waits for " + claimant.text()};
    share = sealer_.open(query.blob(0), as_bytes(label_of(bundle)));
    auto context = BundleContext::decode(query.blob(1));
    if (!context) return damaged(bundle, context.error().message);
    record.context = std::move(*context);
    const ByteView tag = query.blob(2);
    if (tag.size() != record.secret_tag.size()) return damaged(bundle, "its secret tag has another size");
    std::copy(tag.begin(), tag.end(), record.secret_tag.begin());
    record.expires = read_deadline(query, 3);
  }
  if (record.context.name() != bundle) return damaged(bundle, "its context is another bundle's");
  if (!share) return damaged(bundle, share.error().message);
  if (share->size() != record.context.share_bytes())
    return damaged(bundle, "it has another size than its context says");
  record.share = std::move(*share);
  return record;
}

Result<std::optional<ShareTables::Found>> ShareTables::find(const BundleName& bundle) {
  auto query =
      database_.query("SELECT number, length(sealed_share) FROM share WHERE initiator = ? AND bundle_id = ?");
  const auto row = query.bind(std::string_view(bundle.initiator.text())).bind(bundle.id.uuid()).step();
  if (!row) return row.error();
  return *row ? std::optional<Found>({query.integer(0), query.number(1) - Sealer::kOverheadBytes})
              : std::nullopt;
}

Result<std::uint64_t> ShareTables::withdraw(const BundleName& bundle) {
  const auto found = find(bundle);
  if (!found) return found.error();
  if (!*found) return 0;
  auto deleted = database_.query("DELETE FROM share WHERE number = ?").bind((**found).number).run();
  if (!deleted) return deleted.error();
  return (**found).share_bytes;
}

Result<std::vector<WaitingAmount>> ShareTables::confirm(const ClientName& claimant,
                                                        const std::vector<BundleName>& bundles) {
  std::map<ClientName, WaitingAmount> gone;
  for (const BundleName& bundle : bundles) {
    const auto found = find(bundle);
    if (!found) return found.error();
    if (!*found) continue;
    auto unclaimed = database_.query("DELETE FROM claim WHERE claimant = ? AND share = ?")
                         .bind(std::string_view(claimant.text()))
                         .bind((**found).number)
                         .run();
    if (!unclaimed) return unclaimed.error();
    auto deleted =
        database_
            .query(
                "DELETE FROM share WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM claim WHERE share = ?1)")
            .bind((**found).number)
            .run();
    if (!deleted) return deleted.error();
    if (database_.changed_rows() == 0) continue;
    WaitingAmount& amount = gone[bundle.initiator];
    amount.initiator = bundle.initiator;
    amount.bundles += 1;
    amount.share_bytes += (**found).share_bytes;
  }
  std::vector<WaitingAmount> amounts;
  amounts.reserve(gone.size());
  for (auto& [initiator, amount] : gone) amounts.push_back(std::move(amount));
  return amounts;
}

Result<std::vector<WaitingAmount>> ShareTables::end_claims(const ClientName& claimant) {
  std::vector<WaitingAmount> gone;
  {
    auto query = database_.query(
        "SELECT initiator, count(*), sum(length(sealed_share)) FROM share WHERE"
        " EXISTS (SELECT 1 FROM claim WHERE claim.share = number AND claimant = ?1) AND"
        " NOT EXISTS (SELECT 1 FROM claim WHERE claim.share = number AND claimant <> ?1) GROUP BY initiator");
    query.bind(std::string_view(claimant.text()));
    auto found = amounts(query);
    if (!found) return found;
    gone = std::move(*found);
  }
  auto deleted =
      database_
          .query(
              "DELETE FROM share WHERE EXISTS (SELECT 1 FROM claim WHERE claim.share = number AND claimant = "
              "?1)"
              " AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.share = number AND claimant <> ?1)")
          .bind(std::string_view(claimant.text()))
          .run();
  if (!deleted) return deleted.error();
  auto unclaimed =
      database_.query("DELETE FROM claim WHERE claimant = ?").bind(std::string_view(claimant.text())).run();
  if (!unclaimed) return unclaimed.error();
  return gone;
}

Result<PendingShares> ShareTables::pending(const ClientName& claimant, std::uint64_t cursor,
                                           std::size_t most) {
  PendingShares pending{{}, cursor, false};
  auto query = database_.query(
      "SELECT number, initiator, bundle_id FROM claim JOIN share ON number = claim.share"
      " WHERE claimant = ? AND claim.share > ? ORDER BY claim.share LIMIT ?");
  query.bind(std::string_view(claimant.text())).bind(cursor);
  query.bind(std::uint64_t{most} + 1);  // one more tells whether there are more
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return pending;
    if (pending.bundles.size() == most) {
      pending.more = true;
      return pending;
    }
    auto initiator = ClientName::parse(query.text(1));
    const auto id = query.uuid(2);
    if (!initiator || !id) {
      return Error{ErrorKind::corrupt, "row " + std::to_string(query.integer(0)) + " of share in " +
                                           database_.path() + " is damaged"};
    }
    pending.bundles.push_back({std::move(*initiator), BundleId::of(KeyId(*id))});
    pending.cursor = query.number(0);
  }
}

Result<std::vector<WaitingAmount>> ShareTables::amounts(Query& query) {
  std::vector<WaitingAmount> found;
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return found;
    auto initiator = ClientName::parse(query.text(0));
    if (!initiator) {
      return Error{ErrorKind::corrupt, "an initiator's name in " + database_.path() +
                                           " is damaged: " + initiator.error().message};
    }
    const std::uint64_t bundles = query.number(1);
    found.push_back({std::move(*initiator), bundles, query.number(2) - bundles * Sealer::kOverheadBytes});
  }
}

Result<std::vector<WaitingAmount>> ShareTables::remove_client(const ClientName& client) {
#define DSKE_OF_CLIENT_ALONE                                                                     \
  "initiator = ?1 OR (EXISTS (SELECT 1 FROM claim WHERE claim.share = number AND claimant = ?1)" \
  " AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.share = number AND claimant <> ?1))"
  const std::string_view name = client.text();
  std::vector<WaitingAmount> gone;
  {
    auto query = database_.query(
        "SELECT initiator, count(*), sum(length(sealed_share)) FROM share WHERE " DSKE_OF_CLIENT_ALONE
        " GROUP BY initiator");
    query.bind(name);
    auto found = amounts(query);
    if (!found) return found;
    gone = std::move(*found);
  }
  if (auto shares = database_.query("DELETE FROM share WHERE " DSKE_OF_CLIENT_ALONE).bind(name).run();
      !shares)
    return shares.error();
  if (auto claims = database_.query("DELETE FROM claim WHERE claimant = ?").bind(name).run(); !claims)
    return claims.error();
  return gone;
#undef DSKE_OF_CLIENT_ALONE
}

Result<std::vector<WaitingAmount>> ShareTables::expire(const Clock& clock) {
  const DeadlineNow now = DeadlineNow::of(clock);
  std::vector<WaitingAmount> gone;
  {
    auto query = database_.query(
        "SELECT initiator, count(*), sum(length(sealed_share)) FROM share WHERE " DSKE_DEADLINE_OVER
        " GROUP BY initiator");
    now.bind(query);
    auto found = amounts(query);
    if (!found || found->empty()) return found;
    gone = std::move(*found);
  }
  auto query = database_.query("DELETE FROM share WHERE " DSKE_DEADLINE_OVER);
  now.bind(query);
  if (auto deleted = query.run(); !deleted) return deleted.error();
  return gone;
}

Result<std::vector<WaitingAmount>> ShareTables::waiting() {
  auto query =
      database_.query("SELECT initiator, count(*), sum(length(sealed_share)) FROM share GROUP BY initiator");
  return amounts(query);
}

}  // namespace dske::store
