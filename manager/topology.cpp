#include "manager/topology.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/file.h"
#include "base/yaml.h"
#include "manager/address.h"

namespace dske::manager {
namespace {

constexpr std::size_t kHubsLeast = 2;
constexpr std::size_t kHubsMost = 255;  // shares have x = 1..255
constexpr std::size_t kClientsMost = 10000;
constexpr std::int64_t kKeySizeBitsMost = 65536;

// Where each name, port or SAE ID was given first, to tell when it comes again.
class Uniqueness {
 public:
  explicit Uniqueness(std::string what) : what_(std::move(what)) {}

  void add(const std::string& value, const yaml::Node& node, yaml::MappingReader& reader) {
    const auto [first, is_new] = places_.try_emplace(value, node.place());
    if (!is_new) reader.fail(node.error(what_ + " " + value + " is there twice, first at " + first->second));
  }

 private:
  std::string what_;
  std::map<std::string, std::string> places_;
};

struct Checks {
  Uniqueness hub_names{"the hub name"};
  Uniqueness client_names{"the client name"};
  Uniqueness ports{"the port"};
  Uniqueness saes{"the SAE ID"};
};

std::string read_address(yaml::MappingReader& reader) {
  std::string address = reader.text("address", "127.0.0.1");
  if (!reader.failed() && !is_ip_address(address)) {
    reader.fail("address", "must be a numeric IP address, 192.0.2.1 for example");
  }
  return address;
}

std::optional<std::uint16_t> read_port(yaml::MappingReader& reader, const yaml::Node& node, Checks& checks) {
  if (!reader.has("port")) return std::nullopt;
  const auto port = static_cast<std::uint16_t>(reader.integer("port", 1, kPortMost));
  if (reader.failed()) return std::nullopt;
  const yaml::Node place = *node.member("port");
  checks.ports.add(std::to_string(port), place, reader);
  checks.ports.add(std::to_string(port + kManagementPortOffset), place, reader);
  return port;
}

// http://HOST[:PORT] or https://HOST[:PORT]: what hubs and KMEs take for an endpoint.
bool is_endpoint(std::string_view text) {
  constexpr std::size_t kHostMost = 300;
  if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else {
    return false;
  }
  return !text.empty() && text.size() <= kHostMost && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-:[]").find(c) != std::string_view::npos;
  });
}

Result<HubSpec> read_hub(const yaml::Node& node, Checks& checks) {
  yaml::MappingReader reader(node);
  HubSpec hub;
  hub.name = reader.parsed<HubName>("name");
  if (!reader.failed()) checks.hub_names.add(hub.name.text(), *node.member("name"), reader);
  hub.address = read_address(reader);
  hub.port = read_port(reader, node, checks);
  hub.endpoint = reader.text("endpoint", "");
  if (reader.has("endpoint") && !is_endpoint(hub.endpoint)) {
    reader.fail("endpoint", "must be http://HOST[:PORT] or https://HOST[:PORT]");
  }
  if (auto error = reader.finish()) return *error;
  return hub;
}

// An encryptor is "- name: ID" or just "- ID".
SaeId read_encryptor(const yaml::Node& node, yaml::MappingReader& client, Checks& checks) {
  SaeId sae;
  if (node.is_mapping()) {
    yaml::MappingReader reader(node);
    sae = reader.parsed<SaeId>("name");
    if (auto error = reader.finish()) {
      client.fail(*error);
      return sae;
    }
  } else {
    auto parsed = node.is_scalar() ? SaeId::parse(node.text())
                                   : Result<SaeId>(invalid("an encryptor is \"name: SAE_ID\" or an SAE ID"));
    if (!parsed) {
      client.fail(node.error("encryptors: " + parsed.error().message));
      return sae;
    }
    sae = *parsed;
  }
  checks.saes.add(sae.text(), node, client);
  return sae;
}

Result<ClientSpec> read_client(const yaml::Node& node, Checks& checks) {
  yaml::MappingReader reader(node);
  ClientSpec client;
  client.name = reader.parsed<ClientName>("name");
  if (!reader.failed()) checks.client_names.add(client.name.text(), *node.member("name"), reader);
  client.address = read_address(reader);
  client.port = read_port(reader, node, checks);
  if (reader.has("encryptors")) {
    for (const yaml::Node& encryptor : reader.sequence("encryptors")) {
      client.encryptors.push_back(read_encryptor(encryptor, reader, checks));
    }
    if (client.encryptors.empty()) reader.fail("encryptors", "must list at least one SAE, or be left out");
  } else if (!reader.failed()) {
    client.encryptors.push_back(*SaeId::parse(client.name.text()));
    checks.saes.add(client.name.text(), *node.member("name"), reader);
  }
  if (auto error = reader.finish()) return *error;
  return client;
}

void read_psrd(yaml::MappingReader& reader, PsrdSizes& sizes) {
  const auto node = reader.mapping("psrd");
  if (!node) return;
  yaml::MappingReader psrd(*node);
  sizes.client_bytes = psrd.integer("client_bytes", kPsrdBytesLeast, kPsrdBytesMost, sizes.client_bytes);
  sizes.hub_bytes = psrd.integer("hub_bytes", kPsrdBytesLeast, kPsrdBytesMost, sizes.hub_bytes);
  if (auto error = psrd.finish()) reader.fail(*error);
}

void read_courier(yaml::MappingReader& reader, std::optional<CourierSpec>& courier) {
  const auto node = reader.mapping("courier");
  if (!node) return;
  CourierSpec spec;
  yaml::MappingReader members(*node);
  spec.high_mark_blocks = members.integer("high_mark_blocks", 1, 1000, spec.high_mark_blocks);
  spec.interval = std::chrono::seconds(members.integer("interval_seconds", 1, 86400, spec.interval.count()));
  if (auto error = members.finish()) reader.fail(*error);
  courier = spec;
}

void read_key_store(yaml::MappingReader& reader, KeyStoreSpec& spec) {
  constexpr std::int64_t kKeysMost = 10000000;
  constexpr std::int64_t kSecondsMost = std::int64_t{7} * 86400;
  const auto node = reader.mapping("key_store");
  if (!node) return;
  yaml::MappingReader members(*node);
  const auto integer = [&](const char* name, std::int64_t least, std::int64_t most) {
    return members.has(name) ? std::optional(members.integer(name, least, most)) : std::nullopt;
  };
  if (members.has("enabled")) spec.enabled = members.boolean("enabled", true);
  spec.minimum_keys = integer("minimum_keys", 0, kKeysMost);
  spec.maximum_keys = integer("maximum_keys", 1, kKeysMost);
  spec.maximum_keys_in_all = integer("maximum_keys_in_all", 1, kKeysMost);
  spec.demand_seconds = integer("demand_seconds", 1, kSecondsMost);
  spec.idle_seconds = integer("idle_seconds", 1, kSecondsMost);
  if (spec.minimum_keys && spec.maximum_keys && *spec.minimum_keys > *spec.maximum_keys)
    members.fail("minimum_keys", "is more than maximum_keys");
  if (auto error = members.finish()) reader.fail(*error);
}

void read_key_size(yaml::MappingReader& reader, Topology& topology) {
  topology.key_size_bits = reader.integer("key_size", 8, kKeySizeBitsMost, topology.key_size_bits);
  if (!reader.failed() && topology.key_size_bits % 8 != 0) reader.fail("key_size", "must be a multiple of 8");
}

void check_counts(yaml::MappingReader& reader, const Topology& topology) {
  if (reader.failed()) return;
  if (topology.hubs.size() < kHubsLeast || topology.hubs.size() > kHubsMost) {
    return reader.fail("hubs", "must list 2 to 255 hubs; with fewer than 2 a single hub would see every key");
  }
  if (topology.clients.empty() || topology.clients.size() > kClientsMost) {
    return reader.fail("clients", "must list 1 to " + std::to_string(kClientsMost) + " clients");
  }
  if (topology.shares_required > static_cast<std::int64_t>(topology.hubs.size())) {
    reader.fail("shares_required", "is more than the " + std::to_string(topology.hubs.size()) + " hubs");
  }
}

}  // namespace

const ClientSpec* Topology::client_of_sae(std::string_view sae_id) const {
  for (const ClientSpec& client : clients) {
    for (const SaeId& sae : client.encryptors) {
      if (sae.text() == sae_id) return &client;
    }
  }
  return nullptr;
}

Result<Topology> parse_topology(std::string_view text, const std::filesystem::path& file) {
  auto root = yaml::parse(text, file.string());
  if (!root) return root.error();
  if (!root->is_mapping()) return root->error("must hold `hubs:` and `clients:`");

  yaml::MappingReader reader(*root);
  Topology topology;
  topology.file = file;
  const std::filesystem::path beside = std::filesystem::absolute(file).parent_path();
  const std::string state_dir = reader.text("state_dir", "run");
  if (state_dir.empty()) reader.fail("state_dir", "is empty");
  topology.state_dir = (beside / state_dir).lexically_normal();
  topology.base_port =
      static_cast<std::uint16_t>(reader.integer("base_port", 1, kPortMost, kDefaultBasePort));
  if (reader.has("shares_required"))
    topology.shares_required = reader.integer("shares_required", 2, kHubsMost);
  read_psrd(reader, topology.psrd);
  read_courier(reader, topology.courier);
  read_key_store(reader, topology.key_store);
  read_key_size(reader, topology);
  topology.key_lifetime_seconds =
      reader.integer("key_lifetime_seconds", 60, 7 * 86400, topology.key_lifetime_seconds);

  Checks checks;
  for (const yaml::Node& node : reader.sequence("hubs")) {
    auto hub = read_hub(node, checks);
    if (!hub) return hub.error();
    topology.hubs.push_back(std::move(*hub));
  }
  for (const yaml::Node& node : reader.sequence("clients")) {
    auto client = read_client(node, checks);
    if (!client) return client.error();
    topology.clients.push_back(std::move(*client));
  }
  check_counts(reader, topology);
  if (auto error = reader.finish()) return *error;
  return topology;
}

Result<Topology> read_topology(const std::filesystem::path& file) {
  constexpr std::size_t kFileMost = std::size_t{1} << 20;
  auto text = read_file(file, kFileMost);
  if (!text) return text.error();
  return parse_topology(text->text(), file);
}

}  // namespace dske::manager
