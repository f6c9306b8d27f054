#include "kme/key_store_config.h"

#include <algorithm>
#include <string>

namespace dske::kme {
namespace {

constexpr std::int64_t kKeysMost = 10000000;
constexpr std::int64_t kSecondsMost = 7 * 86400;

std::vector<etsi014::SaePair> read_pairs(yaml::MappingReader& reader, const std::set<SaeId>& encryptors) {
  std::vector<etsi014::SaePair> pairs;
  std::set<etsi014::SaePair> known;
  for (const yaml::Node& element : reader.sequence("pairs")) {
    yaml::MappingReader members(element);
    etsi014::SaePair pair{members.parsed<SaeId>("master"), members.parsed<SaeId>("slave")};
    if (const auto fault = members.finish()) {
      reader.fail(*fault);
    } else if (!encryptors.contains(pair.master)) {
      reader.fail(element.error("pairs: the master " + pair.master.text() + " is not among encryptors"));
    } else if (!known.insert(pair).second) {
      reader.fail(
          element.error("pairs: " + pair.master.text() + " with " + pair.slave.text() + " is there twice"));
    }
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace

KeyStoreConfig read_key_store(yaml::MappingReader& reader, etsi014::Limits& limits,
                              const std::set<SaeId>& encryptors) {
  KeyStoreConfig config;
  const auto node = reader.mapping("key_store");
  if (!node) return config;
  yaml::MappingReader members(*node);
  config.enabled = members.boolean("enabled", config.enabled);
  limits.max_key_count =
      static_cast<std::uint32_t>(members.integer("maximum_keys", 1, kKeysMost, limits.max_key_count));
  config.minimum_keys = static_cast<std::uint32_t>(members.integer(
      "minimum_keys", 0, limits.max_key_count, std::min(config.minimum_keys, limits.max_key_count)));
  config.maximum_keys_in_all = static_cast<std::uint32_t>(
      members.integer("maximum_keys_in_all", 1, kKeysMost, config.maximum_keys_in_all));
  config.demand =
      std::chrono::seconds(members.integer("demand_seconds", 1, kSecondsMost, config.demand.count()));
  config.idle = std::chrono::seconds(members.integer("idle_seconds", 1, kSecondsMost, config.idle.count()));
  config.pairs = read_pairs(members, encryptors);
  if (const auto fault = members.finish()) reader.fail(*fault);
  return config;
}

}  // namespace dske::kme
