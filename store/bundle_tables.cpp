#include "store/bundle_tables.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <string>
#include <utility>

#include "store/deadline_columns.h"

namespace dske::store {

// posted_bundle.hubs: ids of 16 bytes, one after the other. delivered.indices: one bit for each key, the
// lowest of a byte first.
const std::string_view kBundleTables = R"(
CREATE TABLE posted_bundle (
  id BLOB PRIMARY KEY,
  hubs BLOB NOT NULL,
  boot_id TEXT NOT NULL,
  boottime_nanos INTEGER NOT NULL,
  wall_seconds INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX posted_bundle_boot ON posted_bundle (boot_id, boottime_nanos);
CREATE INDEX posted_bundle_wall ON posted_bundle (wall_seconds);
CREATE TABLE held_bundle (
  number INTEGER PRIMARY KEY,
  initiator TEXT NOT NULL,
  bundle_id BLOB NOT NULL,
  key_count INTEGER NOT NULL,
  context BLOB NOT NULL,
  boot_id TEXT NOT NULL,
  boottime_nanos INTEGER NOT NULL,
  wall_seconds INTEGER NOT NULL,
  sealed_keys BLOB NOT NULL,
  UNIQUE (initiator, bundle_id)
) STRICT;
CREATE INDEX held_bundle_boot ON held_bundle (boot_id, boottime_nanos);
CREATE INDEX held_bundle_wall ON held_bundle (wall_seconds);
CREATE TABLE delivered (
  bundle INTEGER NOT NULL REFERENCES held_bundle (number) ON DELETE CASCADE,
  sae_id TEXT NOT NULL,
  indices BLOB NOT NULL,
  PRIMARY KEY (bundle, sae_id)
) STRICT, WITHOUT ROWID;
)";

namespace {

std::string text_of(const BundleName& bundle) {
  return "bundle " + bundle.id.text() + " of " + bundle.initiator.text();
}

std::string label_of(const BundleName& bundle) {
  return "keys of " + text_of(bundle);
}

Error damaged(std::int64_t number, const std::string& cause) {
  return {ErrorKind::corrupt, "row " + std::to_string(number) + " of held_bundle is damaged: " + cause};
}

std::size_t bitmap_bytes(std::uint64_t bits) {
  return static_cast<std::size_t>((bits + 7) / 8);
}

std::size_t set_bits(ByteView bitmap) {
  return std::accumulate(bitmap.begin(), bitmap.end(), std::size_t{0},
                         [](std::size_t count, std::uint8_t byte) {
                           return count + static_cast<std::size_t>(std::popcount(byte));
                         });
}

std::vector<std::uint16_t> indices_in(ByteView bitmap) {
  std::vector<std::uint16_t> indices;
  for (std::size_t i = 0; i < bitmap.size() * 8; ++i) {
    if ((bitmap[i / 8] >> (i % 8) & 1) != 0) indices.push_back(static_cast<std::uint16_t>(i));
  }
  return indices;
}

Result<std::vector<HubId>> hubs_in(ByteView bytes) {
  std::vector<HubId> hubs;
  for (; bytes.size() >= Uuid::kBytes; bytes = bytes.subspan(Uuid::kBytes)) {
    std::array<std::uint8_t, Uuid::kBytes> id{};
    std::copy_n(bytes.begin(), id.size(), id.begin());
    hubs.emplace_back(Uuid(id));
  }
  if (!bytes.empty()) return Error{ErrorKind::corrupt, "its hubs are damaged"};
  return hubs;
}

}  // namespace

Result<void> BundleTables::begin(const PostedBundle& bundle) {
  Bytes hubs;
  for (const HubId& hub : bundle.hubs)
    hubs.insert(hubs.end(), hub.uuid().bytes().begin(), hub.uuid().bytes().end());
  auto query = database_.query(
      "INSERT INTO posted_bundle (id, hubs, boot_id, boottime_nanos, wall_seconds) VALUES (?, ?, ?, ?, ?)");
  query.bind(bundle.id.uuid()).bind(ByteView(hubs));
  bind_deadline(query, bundle.expires);
  auto inserted = query.run();
  if (!inserted && inserted.error().kind == ErrorKind::conflict) {
    return Error{ErrorKind::conflict, "bundle " + bundle.id.text() + " has been posted already"};
  }
  return inserted;
}

Result<void> BundleTables::acknowledge(const BundleId& id) {
  auto deleted = database_.query("DELETE FROM posted_bundle WHERE id = ?").bind(id.uuid()).run();
  if (!deleted) return deleted;
  if (database_.changed_rows() == 0) {
    return Error{ErrorKind::not_found, "bundle " + id.text() + " is not among the posted ones"};
  }
  return {};
}

Result<void> BundleTables::forget(const BundleId& id) {
  return database_.query("DELETE FROM posted_bundle WHERE id = ?").bind(id.uuid()).run();
}

Result<void> BundleTables::hold(const HeldBundle& bundle) {
  const BundleName name = bundle.context.name();
  if (auto checked = bundle.context.check(); !checked) return checked;
  if (bundle.keys.size() != std::uint64_t{bundle.context.key_count} * bundle.context.key_size_bytes) {
    return invalid("the keys of " + text_of(name) + " have another size");
  }
  const Bytes context = bundle.context.encode();
  const Bytes sealed = sealer_.seal(bundle.keys.view(), as_bytes(label_of(name)));
  {
    auto query = database_.query(
        "INSERT INTO held_bundle"
        " (initiator, bundle_id, key_count, context, boot_id, boottime_nanos, wall_seconds, sealed_keys)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query.bind(std::string_view(name.initiator.text())).bind(name.id.uuid());
    query.bind(std::uint64_t{bundle.context.key_count}).bind(ByteView(context));
    bind_deadline(query, bundle.expires);
    if (auto inserted = query.bind(ByteView(sealed)).run(); !inserted) {
      if (inserted.error().kind != ErrorKind::conflict) return inserted;
      return Error{ErrorKind::conflict, text_of(name) + " is held already"};
    }
  }
  for (const auto& [sae_id, indices] : bundle.delivered) {
    if (auto recorded = record_delivery({name, sae_id, indices, {}}); !recorded) return recorded;
  }
  return {};
}

Result<Bytes> BundleTables::delivered_bits(std::int64_t bundle, const SaeId& sae_id) {
  auto query = database_.query("SELECT indices FROM delivered WHERE bundle = ? AND sae_id = ?");
  const auto row = query.bind(bundle).bind(std::string_view(sae_id.text())).step();
  if (!row) return row.error();
  if (!*row) return Bytes();
  const ByteView bits = query.blob(0);
  return Bytes(bits.begin(), bits.end());
}

Result<void> BundleTables::record_deliveries(const std::vector<Delivery>& deliveries) {
  for (const Delivery& delivery : deliveries) {
    auto recorded = record_delivery(delivery);
    if (!recorded && recorded.error().kind != ErrorKind::not_found) return recorded;
  }
  return {};
}

Result<void> BundleTables::record_delivery(const Delivery& delivery) {
  std::int64_t number = 0;
  std::uint64_t key_count = 0;
  {
    auto query =
        database_.query("SELECT number, key_count FROM held_bundle WHERE initiator = ? AND bundle_id = ?");
    query.bind(std::string_view(delivery.bundle.initiator.text())).bind(delivery.bundle.id.uuid());
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return Error{ErrorKind::not_found, text_of(delivery.bundle) + " is not held"};
    number = query.integer(0);
    key_count = query.number(1);
  }
  auto bits = delivered_bits(number, delivery.sae_id);
  if (!bits) return bits.error();
  bits->resize(bitmap_bytes(key_count));
  for (const std::uint16_t index : delivery.indices) {
    if (index >= key_count) return invalid(text_of(delivery.bundle) + " has no key " + std::to_string(index));
    std::uint8_t& byte = (*bits)[index / 8];
    byte = static_cast<std::uint8_t>(byte | 1U << (index % 8));
  }
  auto written =
      database_.query("INSERT OR REPLACE INTO delivered (bundle, sae_id, indices) VALUES (?, ?, ?)")
          .bind(number)
          .bind(std::string_view(delivery.sae_id.text()))
          .bind(ByteView(*bits))
          .run();
  if (!written || delivery.local_slaves.empty()) return written;
  for (const SaeId& slave : delivery.local_slaves) {
    const auto its_bits = delivered_bits(number, slave);
    if (!its_bits) return its_bits.error();
    if (set_bits(*its_bits) < key_count) return {};
  }
  return database_.query("DELETE FROM held_bundle WHERE number = ?").bind(number).run();
}

Result<std::vector<BundleName>> BundleTables::expire(const Clock& clock) {
  const DeadlineNow now = DeadlineNow::of(clock);
  {
    auto query = database_.query("DELETE FROM posted_bundle WHERE " DSKE_DEADLINE_OVER);
    now.bind(query);
    if (auto deleted = query.run(); !deleted) return deleted.error();
  }
  std::vector<BundleName> gone;
  {
    auto query =
        database_.query("SELECT number, initiator, bundle_id FROM held_bundle WHERE " DSKE_DEADLINE_OVER);
    now.bind(query);
    while (true) {
      const auto row = query.step();
      if (!row) return row.error();
      if (!*row) break;
      auto initiator = ClientName::parse(query.text(1));
      const auto id = query.uuid(2);
      if (!initiator || !id) return damaged(query.integer(0), "its name");
      gone.push_back({std::move(*initiator), BundleId::of(KeyId(*id))});
    }
  }
  if (gone.empty()) return gone;
  auto query = database_.query("DELETE FROM held_bundle WHERE " DSKE_DEADLINE_OVER);
  now.bind(query);
  if (auto deleted = query.run(); !deleted) return deleted.error();
  return gone;
}

Result<std::vector<PostedBundle>> BundleTables::unacknowledged() {
  std::vector<PostedBundle> bundles;
  auto query = database_.query("SELECT id, hubs, boot_id, boottime_nanos, wall_seconds FROM posted_bundle");
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return bundles;
    const auto id = query.uuid(0);
    if (!id) return id.error().within("a posted bundle's id");
    const BundleId bundle_id = BundleId::of(KeyId(*id));
    auto hubs = hubs_in(query.blob(1));
    if (!hubs) return hubs.error().within("posted bundle " + bundle_id.text());
    bundles.push_back({bundle_id, std::move(*hubs), read_deadline(query, 2)});
  }
}

Result<std::map<SaeId, std::vector<std::uint16_t>>> BundleTables::deliveries(std::int64_t bundle) {
  std::map<SaeId, std::vector<std::uint16_t>> delivered;
  auto query = database_.query("SELECT sae_id, indices FROM delivered WHERE bundle = ?");
  query.bind(bundle);
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return delivered;
    auto sae_id = SaeId::parse(query.text(0));
    if (!sae_id) return damaged(bundle, sae_id.error().message);
    delivered.emplace(std::move(*sae_id), indices_in(query.blob(1)));
  }
}

Result<std::vector<HeldBundle>> BundleTables::held() {
  std::vector<HeldBundle> bundles;
  auto query = database_.query(
      "SELECT number, context, boot_id, boottime_nanos, wall_seconds, sealed_keys FROM held_bundle"
      " ORDER BY number");
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return bundles;
    const std::int64_t number = query.integer(0);
    auto context = BundleContext::decode(query.blob(1));
    if (!context) return damaged(number, context.error().message);
    auto keys = sealer_.open(query.blob(5), as_bytes(label_of(context->name())));
    if (!keys) return damaged(number, keys.error().message);
    if (keys->size() != std::uint64_t{context->key_count} * context->key_size_bytes) {
      return damaged(number, "its keys have another size than its context says");
    }
    auto delivered = deliveries(number);
    if (!delivered) return delivered.error();
    bundles.push_back(
        {std::move(*context), std::move(*keys), read_deadline(query, 2), std::move(*delivered)});
  }
}

}  // namespace dske::store
