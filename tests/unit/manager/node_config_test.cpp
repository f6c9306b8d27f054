#include "manager/node_config.h"

#include <string>

#include <doctest/doctest.h>

#include "base/temporary_directory.h"
#include "base/yaml.h"

using namespace dske;
using namespace dske::manager;

namespace {

Network network_in(const test::TemporaryDirectory& directory, const std::string& text) {
  auto topology = parse_topology(text, directory.path() / "topology.yaml");
  REQUIRE(topology.has_value());
  auto network = Network::open(std::move(*topology));
  REQUIRE(network.has_value());
  return std::move(*network);
}

yaml::Node parsed(const std::string& text) {
  auto node = yaml::parse(text, "node.yaml");
  REQUIRE_MESSAGE(node.has_value(), text);
  return *node;
}

}  // namespace

TEST_CASE("a hub's configuration says where it listens and how clients reach it") {
  const test::TemporaryDirectory directory;
  const Network network = network_in(
      directory,
      "hubs: [{name: hank, endpoint: 'http://proxy:80'}, {name: helen}]\nclients: [{name: carol}]\n");
  const Node& hank = *network.find(NodeKind::hub, "hank");
  const yaml::Node config = parsed(config_text(network, hank, local_paths(network, hank)));
  CHECK(config.member("name")->text() == "hank");
  CHECK(config.member("state_dir")->text() == (directory.path() / "run/hub/hank").string());
  CHECK(config.member("address")->text() == "127.0.0.1");
  CHECK(config.member("port")->text() == "8100");
  CHECK(config.member("management_port")->text() == "9100");
  CHECK(config.member("endpoint")->text() == "http://proxy:80");
  CHECK(config.member("provisioner")->member("enabled")->text() == "false");
}

TEST_CASE("every KME has the topology's key store; without one, its own defaults") {
  const test::TemporaryDirectory directory;
  const std::string nodes = "hubs: [{name: hank}, {name: helen}]\nclients: [{name: carol}]\n";
  const auto key_store_of = [&](const std::string& text) {
    const Network network = network_in(directory, nodes + text);
    const Node& carol = *network.find(NodeKind::client, "carol");
    return parsed(config_text(network, carol, local_paths(network, carol))).member("key_store");
  };
  CHECK_FALSE(key_store_of("").has_value());
  CHECK_FALSE(key_store_of("key_store: {}\n").has_value());
  const auto given = key_store_of("key_store: {minimum_keys: 7, maximum_keys: 70, idle_seconds: 9}\n");
  REQUIRE(given.has_value());
  CHECK(given->member("minimum_keys")->text() == "7");
  CHECK(given->member("maximum_keys")->text() == "70");
  CHECK(given->member("idle_seconds")->text() == "9");
  CHECK_FALSE(given->member("enabled").has_value());
  CHECK(key_store_of("key_store: {enabled: false}\n")->member("enabled")->text() == "false");
  const auto wrong = parse_topology(nodes + "key_store: {minimum_keys: 8, maximum_keys: 7}\n", "t.yaml");
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().message.find("minimum_keys") != std::string::npos);
}

TEST_CASE("a hub keeps files ready, of the topology's sizes, if there is a courier to carry them") {
  const test::TemporaryDirectory directory;
  const Network network = network_in(directory,
                                     "hubs: [{name: hank}, {name: helen}]\nclients: [{name: carol}]\n"
                                     "psrd: {client_bytes: 8192, hub_bytes: 16384}\n"
                                     "courier: {interval_seconds: 3}\n");
  const Node& hank = *network.find(NodeKind::hub, "hank");
  const yaml::Node config = parsed(config_text(network, hank, local_paths(network, hank)));
  const auto provisioner = config.member("provisioner");
  REQUIRE(provisioner.has_value());
  CHECK_FALSE(provisioner->member("enabled").has_value());
  CHECK(provisioner->member("client_bytes")->text() == "8192");
  CHECK(provisioner->member("hub_bytes")->text() == "16384");
  CHECK(provisioner->member("interval_seconds")->text() == "3");
}

TEST_CASE("a KME's configuration has its SAEs, hubs, TLS files and the topology's settings") {
  const test::TemporaryDirectory directory;
  const std::string strange = R"(a "b" \ # : - é ')";
  const Network network = network_in(
      directory,
      "shares_required: 2\nkey_size: 128\nkey_lifetime_seconds: 600\n"
      "hubs: [{name: hank}, {name: helen, port: 9999}]\n"
      "clients:\n  - name: carol\n    encryptors:\n      - name: \"a \\\"b\\\" \\\\ # : - é '\"\n");
  const Node& carol = *network.find(NodeKind::client, "carol");
  const yaml::Node config = parsed(config_text(network, carol, local_paths(network, carol)));
  REQUIRE(config.member("encryptors")->elements().size() == 1);
  CHECK(config.member("encryptors")->elements()[0].text() == strange);
  CHECK(config.member("shares_required")->text() == "2");
  CHECK(config.member("key_size")->text() == "128");
  CHECK(config.member("key_lifetime_seconds")->text() == "600");
  REQUIRE(config.member("hubs")->elements().size() == 2);
  CHECK(config.member("hubs")->elements()[1].member("name")->text() == "helen");
  CHECK(config.member("hubs")->elements()[1].member("endpoint")->text() == "http://127.0.0.1:9999");
  const auto tls = config.member("tls");
  CHECK(tls->member("certificate")->text() == (directory.path() / "run/pki/kme/carol.crt").string());
  CHECK(tls->member("key")->text() == (directory.path() / "run/pki/kme/carol.key").string());
  CHECK(tls->member("client_ca")->text() == (directory.path() / "run/pki/ca.crt").string());
}

TEST_CASE("what is written for another host has no path of this one") {
  const test::TemporaryDirectory directory;
  const Network network = network_in(
      directory, "hubs: [{name: hank}, {name: helen}]\nclients: [{name: carol, address: 192.0.2.7}]\n");
  const std::string text = config_text(network, *network.find(NodeKind::client, "carol"), portable_paths());
  CHECK(text.find(directory.path().string()) == std::string::npos);
  CHECK(parsed(text).member("state_dir")->text() == ".");
}

TEST_CASE("a configuration is written only when it differs") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "kme/carol/kme.yaml";
  CHECK(write_config(file, "a: 1\n") == ConfigChange::made);
  CHECK(write_config(file, "a: 1\n") == ConfigChange::none);
  CHECK(write_config(file, "a: 2\n") == ConfigChange::changed);
  CHECK(std::filesystem::status(file).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}
