#include "hub/hub_config.h"

#include <charconv>
#include <optional>

#include "base/yaml.h"
#include "psrdfile/psrd_header.h"

namespace dske::hub {
namespace {

constexpr double kLeastEntropyPerByte = 0.1;
constexpr std::int64_t kHalfBytesMost = std::int64_t{32} << 20;

RelayLimits read_limits(yaml::MappingReader& reader) {
  RelayLimits limits;
  const auto node = reader.mapping("limits");
  if (!node) return limits;
  yaml::MappingReader members(*node);
  const auto number = [&](std::string_view name, std::uint64_t& value, std::int64_t most) {
    value = static_cast<std::uint64_t>(members.integer(name, 1, most, static_cast<std::int64_t>(value)));
  };
  number("share_bytes", limits.share_bytes, (std::int64_t{16} << 20) + 32);
  number("lifetime_seconds", limits.lifetime_seconds, std::int64_t{366} * 86400);
  number("waiting_bundles_per_client", limits.waiting_bundles_per_client, std::int64_t{1} << 40);
  number("waiting_bytes_per_client", limits.waiting_bytes_per_client, std::int64_t{1} << 50);
  if (const auto fault = members.finish()) reader.fail(*fault);
  return limits;
}

// A number of bits with or without a fraction: YAML's integers alone would not do.
std::optional<double> entropy_per_byte(const std::string& text) {
  double bits = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool good = fault == std::errc() && end == text.data() + text.size();
  return good && bits >= kLeastEntropyPerByte && bits <= 8 ? std::optional(bits) : std::nullopt;
}

NoiseSourceConfig read_randomness(yaml::MappingReader& reader, const std::filesystem::path& file) {
  NoiseSourceConfig config;
  const auto node = reader.mapping("randomness");
  if (!node) return config;
  yaml::MappingReader members(*node);
  const std::string source = members.text("source");
  if (!members.failed() && source.empty())
    members.fail("source", "must name a device, a named pipe or a file");
  config.source = node::resolve_path(source, file);
  const auto entropy = entropy_per_byte(members.text("min_entropy_per_byte"));
  if (entropy) {
    config.min_entropy_per_byte = *entropy;
  } else if (!members.failed()) {
    members.fail("min_entropy_per_byte", "must be a number of bits from 0.1 to 8");
  }
  config.false_alarm_exponent =
      static_cast<unsigned>(members.integer("false_alarm_exponent", 20, 64, config.false_alarm_exponent));
  config.patience = std::chrono::seconds(members.integer("timeout_seconds", 1, 3600, 10));
  if (const auto fault = members.finish()) reader.fail(*fault);
  return config;
}

ProvisionerConfig read_provisioner(yaml::MappingReader& reader) {
  ProvisionerConfig config;
  const auto node = reader.mapping("provisioner");
  if (!node) return config;
  yaml::MappingReader members(*node);
  const auto number = [&](std::string_view name, std::uint64_t& value, std::int64_t least,
                          std::int64_t most) {
    value = static_cast<std::uint64_t>(members.integer(name, least, most, static_cast<std::int64_t>(value)));
  };
  config.enabled = members.boolean("enabled", config.enabled);
  number("pool_size", config.pool_size, 1, 1000);
  number("client_bytes", config.client_bytes, 4096, kHalfBytesMost);
  number("hub_bytes", config.hub_bytes, 4096, kHalfBytesMost);
  config.interval =
      std::chrono::seconds(members.integer("interval_seconds", 1, 86400, config.interval.count()));
  number("total_bytes", config.total_bytes, 0, std::int64_t{1} << 50);
  number("keep_free_bytes", config.keep_free_bytes, 0, std::int64_t{1} << 50);
  if (const auto fault = members.finish()) reader.fail(*fault);
  return config;
}

}  // namespace

Result<HubConfig> read_hub_config(const std::filesystem::path& file) {
  auto root = yaml::parse_file(file);
  if (!root) return root.error();
  yaml::MappingReader reader(*root);
  HubConfig config;
  config.name = reader.parsed<HubName>("name");
  config.node = node::read_node_config(reader, file);
  config.endpoint =
      reader.text("endpoint", "http://" + node::host_and_port(config.node.address, config.node.port));
  if (auto checked = check_endpoint(config.endpoint); !checked && !reader.failed()) {
    reader.fail("endpoint", checked.error().message);
  }
  config.limits = read_limits(reader);
  config.randomness = read_randomness(reader, file);
  config.provisioner = read_provisioner(reader);
  if (const auto fault = reader.finish()) return *fault;
  return config;
}

}  // namespace dske::hub
