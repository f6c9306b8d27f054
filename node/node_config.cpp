#include "node/node_config.h"

#include <array>

#include <arpa/inet.h>

#include "base/log.h"
#include "node/server_limits.h"

namespace dske::node {
namespace {

constexpr std::int64_t kManagementOffset = 1000;

bool is_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  return ::inet_pton(AF_INET, text.c_str(), binary.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), binary.data()) == 1;
}

std::string read_address(yaml::MappingReader& reader, std::string_view name) {
  std::string address = reader.text(name, "127.0.0.1");
  if (!reader.failed() && !is_address(address)) reader.fail(name, "must be a numeric IP address");
  return address;
}

}  // namespace

std::filesystem::path resolve_path(const std::string& path, const std::filesystem::path& file) {
  const std::filesystem::path given(path);
  return given.is_absolute() ? given
                             : (std::filesystem::absolute(file).parent_path() / given).lexically_normal();
}

NodeConfig read_node_config(yaml::MappingReader& reader, const std::filesystem::path& file) {
  NodeConfig config;
  const std::string state_dir = reader.text("state_dir");
  if (!reader.failed() && state_dir.empty()) reader.fail("state_dir", "must name a directory");
  config.state_dir = resolve_path(state_dir, file);
  config.node_key = read_node_key_config(reader, file, config.state_dir);
  config.address = read_address(reader, "address");
  config.port = static_cast<std::uint16_t>(reader.integer("port", 1, 65535));
  config.management_address = read_address(reader, "management_address");
  std::int64_t management_port = config.port + kManagementOffset;
  if (reader.has("management_port") || management_port <= 65535) {
    management_port = reader.integer("management_port", 1, 65535, management_port);
  } else {
    reader.fail("port", "port + 1000 is no port: set management_port");
  }
  config.management_port = static_cast<std::uint16_t>(management_port);
  if (!reader.failed() && config.management_port == config.port)
    reader.fail("management_port", "must differ from port");
  config.workers = static_cast<unsigned>(reader.integer("workers", 1, 64, 1));
  config.server = read_server_limits(reader);
  config.log_level = reader.text("log_level", "info");
  const std::string& level = config.log_level;
  if (level != "debug" && level != "info" && level != "warning" && level != "error") {
    reader.fail("log_level", "must be debug, info, warning or error");
  }
  return config;
}

void apply_log_level(const NodeConfig& config) {
  const std::string& level = config.log_level;
  log::set_level(level == "debug"     ? log::Level::debug
                 : level == "warning" ? log::Level::warning
                 : level == "error"   ? log::Level::error
                                      : log::Level::info);
}

std::string host_and_port(const std::string& address, std::uint16_t port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace dske::node
