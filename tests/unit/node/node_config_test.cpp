#include "node/node_config.h"

#include <doctest/doctest.h>

#include "base/log.h"

namespace dske::node {
namespace {

const std::string kLeast = "state_dir: state\nport: 8100\n";

Result<NodeConfig> read(const std::string& text) {
  auto root = yaml::parse(text, "/etc/dske/node.yaml");
  if (!root) return root.error();
  yaml::MappingReader reader(*root);
  NodeConfig config = read_node_config(reader, "/etc/dske/node.yaml");
  if (const auto fault = reader.finish()) return *fault;
  return config;
}

void check_fault(const std::string& text, const std::string& place_and_name) {
  const auto config = read(text);
  REQUIRE_FALSE(config.has_value());
  CAPTURE(config.error().message);
  CHECK(config.error().message.starts_with("/etc/dske/node.yaml:" + place_and_name));
}

TEST_CASE("a node's configuration needs its state directory and port, the rest has defaults") {
  const auto config = read(kLeast);
  REQUIRE(config.has_value());
  CHECK(config->state_dir == "/etc/dske/state");
  CHECK(config->address == "127.0.0.1");
  CHECK(config->port == 8100);
  CHECK(config->management_address == "127.0.0.1");
  CHECK(config->management_port == 9100);
  CHECK(config->workers == 1);
  CHECK(config->log_level == "info");
}

TEST_CASE("everything that a node's configuration says is taken") {
  const auto config = read(
      "state_dir: /var/lib/node\naddress: 192.0.2.1\nport: 65000\nmanagement_address: \"::1\"\n"
      "management_port: 1\nworkers: 4\nlog_level: debug\n");
  REQUIRE(config.has_value());
  CHECK(config->state_dir == "/var/lib/node");
  CHECK(config->address == "192.0.2.1");
  CHECK(config->port == 65000);
  CHECK(config->management_address == "::1");
  CHECK(config->management_port == 1);
  CHECK(config->workers == 4);
  CHECK(config->log_level == "debug");
}

TEST_CASE("a fault of a node's configuration is told with file, line and column") {
  check_fault("port: 8100\n", "1:1: state_dir");
  check_fault("state_dir: state\n", "1:1: port");
  check_fault("state_dir: \"\"\nport: 8100\n", "1:12: state_dir");
  check_fault("state_dir: state\nport: 0\n", "2:7: port");
  check_fault("state_dir: state\nport: 65536\n", "2:7: port");
  check_fault("state_dir: state\nport: 8100x\n", "2:7: port");
  check_fault(kLeast + "address: localhost\n", "3:10: address");
  check_fault(kLeast + "management_address: 1.2.3\n", "3:21: management_address");
  check_fault(kLeast + "management_port: 8100\n", "3:18: management_port");
  check_fault(kLeast + "workers: 0\n", "3:10: workers");
  check_fault(kLeast + "workers: 65\n", "3:10: workers");
  check_fault(kLeast + "log_level: loud\n", "3:12: log_level");
  check_fault(kLeast + "colour: blue\n", "3:1: colour");
  check_fault("state_dir: state\nport: 65000\n", "2:7: port");  // there is no port 66000 for the management
}

TEST_CASE("paths of a configuration count from its directory unless they are absolute") {
  CHECK(resolve_path("a/b", "/etc/dske/node.yaml") == "/etc/dske/a/b");
  CHECK(resolve_path("../b", "/etc/dske/node.yaml") == "/etc/b");
  CHECK(resolve_path("/a/b", "/etc/dske/node.yaml") == "/a/b");
  CHECK(resolve_path("a", "node.yaml") == std::filesystem::current_path() / "a");
}

TEST_CASE("an address of version 6 stands in brackets before its port") {
  CHECK(host_and_port("127.0.0.1", 8100) == "127.0.0.1:8100");
  CHECK(host_and_port("::1", 8100) == "[::1]:8100");
}

TEST_CASE("the log level of the configuration is the process's") {
  NodeConfig config;
  config.log_level = "error";
  apply_log_level(config);
  CHECK_FALSE(log::enabled(log::Level::warning));
  CHECK(log::enabled(log::Level::error));
  config.log_level = "debug";
  apply_log_level(config);
  CHECK(log::enabled(log::Level::debug));
  config.log_level = "info";
  apply_log_level(config);
  CHECK(log::enabled(log::Level::info));
  CHECK_FALSE(log::enabled(log::Level::debug));
}

}  // namespace
}  // namespace dske::node
