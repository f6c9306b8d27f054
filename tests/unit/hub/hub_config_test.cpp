#include "hub/hub_config.h"

#include <fstream>

#include <doctest/doctest.h>

#include "base/temporary_directory.h"

namespace dske::hub {
namespace {

const std::string kLeast = "name: hank\nstate_dir: /var/lib/hank\nport: 8100\n";

Result<HubConfig> read(const std::string& text) {
  const dske::test::TemporaryDirectory directory;
  const auto file = directory.path() / "hub.yaml";
  std::ofstream(file) << text;
  return read_hub_config(file);
}

void check_fault(const std::string& text, const std::string& place, const std::string& reason) {
  const auto config = read(text);
  REQUIRE_FALSE(config.has_value());
  CAPTURE(config.error().message);
  CHECK(config.error().message.find("hub.yaml:" + place) != std::string::npos);
  CHECK(config.error().message.find(reason) != std::string::npos);
}

TEST_CASE("a hub's configuration needs name, state directory and port alone") {
  const auto config = read(kLeast);
  REQUIRE(config.has_value());
  CHECK(config->name.text() == "hank");
  CHECK(config->node.state_dir == "/var/lib/hank");
  CHECK(config->endpoint == "http://127.0.0.1:8100");
  CHECK(config->limits.share_bytes == 1048608);
  CHECK(config->limits.lifetime_seconds == 604800);
  CHECK(config->limits.waiting_bundles_per_client == 100000);
  CHECK(config->limits.waiting_bytes_per_client == 268435456);
}

TEST_CASE("the endpoint that PSRD files tell follows the address, or says otherwise") {
  const auto v6 = read(kLeast + "address: \"::1\"\n");
  REQUIRE(v6.has_value());
  CHECK(v6->endpoint == "http://[::1]:8100");
  const auto named = read(kLeast + "endpoint: https://hank.example:443\n");
  REQUIRE(named.has_value());
  CHECK(named->endpoint == "https://hank.example:443");
}

TEST_CASE("a hub's limits can be set one by one") {
  const auto config = read(kLeast + "limits:\n  share_bytes: 4096\n  waiting_bundles_per_client: 7\n");
  REQUIRE(config.has_value());
  CHECK(config->limits.share_bytes == 4096);
  CHECK(config->limits.waiting_bundles_per_client == 7);
  CHECK(config->limits.lifetime_seconds == 604800);
}

TEST_CASE("a hub without a further source of randomness has none, and one has its claim") {
  CHECK(read(kLeast)->randomness.source.empty());
  const auto config = read(kLeast + "randomness:\n  source: /dev/hwrng\n  min_entropy_per_byte: 7.25\n");
  REQUIRE(config.has_value());
  CHECK(config->randomness.source == "/dev/hwrng");
  CHECK(config->randomness.min_entropy_per_byte == 7.25);
  CHECK(config->randomness.false_alarm_exponent == 40);
  CHECK(config->randomness.patience == std::chrono::seconds(10));
  const auto whole =
      read(kLeast + "randomness: {source: /x, min_entropy_per_byte: 8, false_alarm_exponent: 20}\n");
  REQUIRE(whole.has_value());
  CHECK(whole->randomness.min_entropy_per_byte == 8);
  CHECK(whole->randomness.false_alarm_exponent == 20);
}

TEST_CASE("a fault of a hub's configuration is told with its line and column") {
  check_fault(kLeast + "colour: blue\n", "4:1", "colour");
  check_fault(kLeast + "limits:\n  shares: 1\n", "5:3", "shares");
  check_fault(kLeast + "limits:\n  share_bytes: 0\n", "5:16", "share_bytes");
  check_fault(kLeast + "limits:\n  share_bytes: 16777249\n", "5:16", "share_bytes");
  check_fault(kLeast + "randomness: {min_entropy_per_byte: 8}\n", "4:13", "source");
  check_fault(kLeast + "randomness: {source: /x}\n", "4:13", "min_entropy_per_byte");
  check_fault(kLeast + "randomness: {source: /x, min_entropy_per_byte: 9}\n", "4:48", "0.1 to 8");
  check_fault(kLeast + "randomness: {source: /x, min_entropy_per_byte: 1x}\n", "4:48", "0.1 to 8");
  check_fault(kLeast + "randomness: {source: /x, min_entropy_per_byte: 0}\n", "4:48", "0.1 to 8");
  check_fault(kLeast + "limits: 5\n", "4:9", "limits");
  check_fault(kLeast + "endpoint: hank.example\n", "4:11", "endpoint");
  check_fault("name: hank/../x\nstate_dir: /x\nport: 8100\n", "1:7", "name");
}

TEST_CASE("a hub's configuration that is not there or no mapping is refused") {
  CHECK_FALSE(read_hub_config("/nowhere/hub.yaml").has_value());
  CHECK_FALSE(read("").has_value());
  CHECK_FALSE(read("- name: hank\n").has_value());
  CHECK_FALSE(read("name: [hank\n").has_value());
}

}  // namespace
}  // namespace dske::hub
