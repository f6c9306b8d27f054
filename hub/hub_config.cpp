#include "hub/hub_config.h"

#include "base/yaml.h"
#include "dske/psrd_file.h"

namespace dske::hub {
namespace {

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
  if (const auto fault = reader.finish()) return *fault;
  return config;
}

}  // namespace dske::hub
