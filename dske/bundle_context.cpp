#include "dske/bundle_context.h"

#include <algorithm>
#include <set>

#include "dske/items.h"

namespace dske {
namespace {

constexpr std::string_view kVersionItem = "DSKE-1";
constexpr std::size_t kTagSecretBytes = 32;  // u = (a, b), two elements of GF(2^128)

}  // namespace

BundleId BundleId::random(Randomness& randomness) {
  return of(KeyId::random(randomness));
}

BundleId BundleId::of(const KeyId& key_id) {
  auto bytes = key_id.uuid().bytes();
  bytes[14] = 0;
  bytes[15] = 0;
  return BundleId(Uuid(bytes));
}

Result<BundleId> BundleId::parse(std::string_view text) {
  auto uuid = Uuid::parse(text);
  if (!uuid) return uuid.error();
  if (uuid->bytes()[14] != 0 || uuid->bytes()[15] != 0) return invalid("a bundle id ends in 0000");
  return BundleId(*uuid);
}

KeyId BundleId::key_id(std::uint16_t index) const {
  auto bytes = uuid_.bytes();
  bytes[14] = static_cast<std::uint8_t>(index >> 8);
  bytes[15] = static_cast<std::uint8_t>(index);
  return KeyId(Uuid(bytes));
}

std::uint16_t BundleId::index_of(const KeyId& key_id) {
  const auto& bytes = key_id.uuid().bytes();
  return static_cast<std::uint16_t>(bytes[14] << 8 | bytes[15]);
}

std::uint64_t BundleContext::share_bytes() const {
  return kTagSecretBytes + std::uint64_t{key_count} * key_size_bytes;
}

std::optional<std::uint8_t> BundleContext::x_of(const HubId& hub) const {
  const auto found = std::find(hubs.begin(), hubs.end(), hub);
  if (found == hubs.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - hubs.begin() + 1);
}

bool BundleContext::names_client(const ClientName& client) const {
  return std::any_of(slaves.begin(), slaves.end(),
                     [&](const Slave& slave) { return slave.client == client; });
}

bool BundleContext::names_slave(const SaeId& sae_id) const {
  return std::any_of(slaves.begin(), slaves.end(),
                     [&](const Slave& slave) { return slave.sae_id == sae_id; });
}

Bytes BundleContext::encode() const {
  ItemWriter items;
  items.text(kVersionItem);
  items.bytes(id.uuid().bytes());
  items.text(initiator.text());
  items.number(key_count);
  items.number(key_size_bytes);
  items.text(master.text());
  items.number(slaves.size());
  for (const Slave& slave : slaves) {
    items.text(slave.sae_id.text());
    items.text(slave.client.text());
  }
  items.number(shares_required);
  items.number(hubs.size());
  for (const HubId& hub : hubs) items.bytes(hub.uuid().bytes());
  return items.take();
}

Result<BundleContext> BundleContext::decode(ByteView bytes) {
  ItemReader items(bytes);
  BundleContext context;
  if (items.text() != kVersionItem) return invalid("a bundle context of another version");
  context.id = BundleId::of(KeyId(items.uuid()));
  context.initiator = items.parsed<ClientName>();
  context.key_count = static_cast<std::uint32_t>(items.number(kKeysMost));
  context.key_size_bytes = static_cast<std::uint32_t>(items.number(kKeyBytesMost));
  context.master = items.parsed<SaeId>();
  const std::uint64_t slave_count = items.number(kSlavesMost);
  for (std::uint64_t i = 0; i < slave_count && !items.failed(); ++i) {
    SaeId sae_id = items.parsed<SaeId>();
    context.slaves.push_back({std::move(sae_id), items.parsed<ClientName>()});
  }
  context.shares_required = static_cast<std::uint8_t>(items.number(kHubsMost));
  const std::uint64_t hub_count = items.number(kHubsMost);
  for (std::uint64_t i = 0; i < hub_count && !items.failed(); ++i) context.hubs.emplace_back(items.uuid());
  if (!items.finished()) return invalid("a damaged bundle context");
  if (auto checked = context.check(); !checked) return checked.error();
  if (const Bytes again = context.encode();
      !std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) {
    return invalid("a bundle context in another than its one form");
  }
  return context;
}

void BundleContext::write(json::Writer& writer) const {
  writer.begin_object();
  writer.name("version").integer(1);
  writer.name("bundle_id").string(id.text());
  writer.name("initiator").string(initiator.text());
  writer.name("key_count").integer(key_count);
  writer.name("key_size_bytes").integer(key_size_bytes);
  writer.name("master_sae_id").string(master.text());
  writer.name("slaves").begin_array();
  for (const Slave& slave : slaves) {
    writer.begin_object();
    writer.name("sae_id").string(slave.sae_id.text());
    writer.name("client_name").string(slave.client.text());
    writer.end_object();
  }
  writer.end_array();
  writer.name("shares_required").integer(shares_required);
  writer.name("hubs").begin_array();
  for (const HubId& hub : hubs) writer.string(hub.text());
  writer.end_array();
  writer.end_object();
}

Result<BundleContext> BundleContext::read(json::Value value) {
  json::ObjectReader reader(value, "context");
  BundleContext context;
  reader.integer("version", 1, 1);
  context.id = reader.parsed<BundleId>("bundle_id");
  context.initiator = reader.parsed<ClientName>("initiator");
  context.key_count = static_cast<std::uint32_t>(reader.integer("key_count", 1, kKeysMost));
  context.key_size_bytes = static_cast<std::uint32_t>(reader.integer("key_size_bytes", 1, kKeyBytesMost));
  context.master = reader.parsed<SaeId>("master_sae_id");
  for (const json::Value& element : reader.array("slaves", kSlavesMost)) {
    json::ObjectReader slave(element, "slave");
    SaeId sae_id = slave.parsed<SaeId>("sae_id");
    context.slaves.push_back({std::move(sae_id), slave.parsed<ClientName>("client_name")});
    if (const auto fault = slave.finish(json::UnknownMembers::refuse)) reader.fail("slaves", fault->message);
  }
  context.shares_required = static_cast<std::uint8_t>(reader.integer("shares_required", 0, kHubsMost));
  for (const json::Value& element : reader.array("hubs", kHubsMost)) {
    auto hub = HubId::parse(element.string().value_or(""));
    if (!hub) {
      reader.fail("hubs", hub.error().message);
      break;
    }
    context.hubs.push_back(*hub);
  }
  if (auto fault = reader.finish(json::UnknownMembers::refuse)) return *fault;
  if (auto checked = context.check(); !checked) return checked.error();
  return context;
}

Result<void> BundleContext::check() const {
  if (key_count == 0 || key_count > kKeysMost) return invalid("context: key_count is out of range");
  if (key_size_bytes == 0 || key_size_bytes > kKeyBytesMost)
    return invalid("context: key_size_bytes is out of range");
  if (share_bytes() - kTagSecretBytes > kSecretBytesMost) return invalid("context: the bundle is too large");
  if (slaves.empty() || slaves.size() > kSlavesMost) return invalid("context: slaves is out of range");
  std::set<SaeId> saes;
  for (const Slave& slave : slaves) {
    if (!saes.insert(slave.sae_id).second) return invalid("context: a slave is named twice");
  }
  if (slaves.size() > 1 && saes.contains(master))
    return invalid("context: the master is one of several slaves");
  if (hubs.size() > kHubsMost || std::set<HubId>(hubs.begin(), hubs.end()).size() != hubs.size()) {
    return invalid("context: hubs holds a hub twice or too many");
  }
  if (shares_required < kSharesRequiredLeast || shares_required > hubs.size()) {
    return invalid("context: shares_required must be from 2 to the number of hubs");
  }
  return {};
}

}  // namespace dske
