#include "manager/topology.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace dske;
using namespace dske::manager;

namespace {

const std::string kTwoHubs = "hubs:\n  - name: hank\n  - name: helen\n";
const std::string kOneClient = "clients:\n  - name: carol\n";

Result<Topology> parsed(const std::string& text) {
  return parse_topology(text, "net/topology.yaml");
}

}  // namespace

TEST_CASE("the plain form gives each client one SAE of the client's name, and everything else its default") {
  const auto topology = parsed(kTwoHubs + "clients:\n  - name: carol\n  - name: celia\n");
  REQUIRE(topology.has_value());
  CHECK(topology->hubs.size() == 2);
  CHECK(topology->hubs[1].name.text() == "helen");
  REQUIRE(topology->clients.size() == 2);
  REQUIRE(topology->clients[1].encryptors.size() == 1);
  CHECK(topology->clients[1].encryptors[0].text() == "celia");
  CHECK(topology->base_port == 8100);
  CHECK_FALSE(topology->shares_required.has_value());
  CHECK(topology->psrd.client_bytes == 262144);
  CHECK_FALSE(topology->courier.has_value());
  CHECK(topology->key_size_bits == 256);
  CHECK(topology->state_dir.filename() == "run");
  CHECK(topology->state_dir.parent_path().filename() == "net");
  CHECK(topology->state_dir.is_absolute());
}

TEST_CASE("encryptors are SAE IDs, as mappings or as plain values, beside clients without a list") {
  const auto topology = parsed(kTwoHubs +
                               "clients:\n"
                               "  - name: carol\n    encryptors:\n      - name: sam\n      - 'gate/7, Bern'\n"
                               "  - name: connie\n");
  REQUIRE(topology.has_value());
  REQUIRE(topology->clients[0].encryptors.size() == 2);
  CHECK(topology->clients[0].encryptors[1].text() == "gate/7, Bern");
  CHECK(topology->client_of_sae("gate/7, Bern") == &topology->clients[0]);
  CHECK(topology->client_of_sae("connie") == &topology->clients[1]);
  CHECK(topology->client_of_sae("carol") == nullptr);
}

TEST_CASE("every setting is taken over") {
  const auto topology = parsed(
      "state_dir: /var/lib/dske\nbase_port: 20000\nshares_required: 2\nkey_size: 512\nkey_lifetime_seconds: "
      "60\n"
      "psrd: {client_bytes: 8192, hub_bytes: 16384}\n"
      "courier: {high_mark_blocks: 2, interval_seconds: 30}\n"
      "hubs:\n  - {name: hank, address: 192.0.2.1, port: 443, endpoint: 'https://hub.example'}\n  - name: "
      "helen\n"
      "clients:\n  - {name: carol, address: '::1', port: 9000}\n");
  REQUIRE(topology.has_value());
  CHECK(topology->state_dir == "/var/lib/dske");
  CHECK(topology->base_port == 20000);
  CHECK(topology->shares_required == 2);
  CHECK(topology->key_size_bits == 512);
  CHECK(topology->key_lifetime_seconds == 60);
  CHECK(topology->psrd.client_bytes == 8192);
  CHECK(topology->psrd.hub_bytes == 16384);
  REQUIRE(topology->courier.has_value());
  CHECK(topology->courier->high_mark_blocks == 2);
  CHECK(topology->courier->interval == std::chrono::seconds(30));
  CHECK(topology->hubs[0].address == "192.0.2.1");
  CHECK(topology->hubs[0].port == 443);
  CHECK(topology->hubs[0].endpoint == "https://hub.example");
  CHECK(topology->clients[0].port == 9000);
}

TEST_CASE("a malformed topology is refused with file, line and column and what is wrong") {
  struct Case {
    std::string text;
    std::string place;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {"hubs: [\n", "net/topology.yaml:", "not YAML"},
      {"", "net/topology.yaml", "hubs"},
      {"- hank\n", ":1:1", "hubs"},
      {"hubs:\n  - name: hank\n" + kOneClient, ":2:3", "2 to 255 hubs"},
      {kTwoHubs, ":1:1", "clients"},
      {kTwoHubs + kOneClient + "hub: x\n", ":6:1", "hub: is not known here"},
      {"hubs:\n  - name: hank\n    prot: 1\n  - name: helen\n" + kOneClient, ":3:5",
       "prot: is not known here"},
      {"hubs:\n  - name: hank\n  - name: hank\n" + kOneClient, ":3:11",
       "hank is there twice, first at net/topology.yaml:2:11"},
      {kTwoHubs + kOneClient + "  - name: carol\n", ":6:11", "carol is there twice"},
      {"hubs:\n  - port: 8100\n  - name: helen\n" + kOneClient, ":2:5", "name: is missing"},
      {"hubs:\n  - name: '-x'\n  - name: helen\n" + kOneClient, ":2:11", "begins with a letter or digit"},
      {"hubs:\n  - {name: a, port: 70000}\n  - name: b\n" + kOneClient, ":2:21", "port: must be an integer"},
      {"hubs:\n  - {name: a, port: 64536}\n  - name: b\n" + kOneClient, ":2:21", "port: must be an integer"},
      {"hubs:\n  - {name: a, port: 80}\n  - {name: b, port: 80}\n" + kOneClient, ":3:21",
       "the port 80 is there twice"},
      {"hubs:\n  - {name: a, port: 80}\n  - {name: b, port: 1080}\n" + kOneClient, ":3:21",
       "the port 1080 is there twice"},
      {"hubs:\n  - {name: a, address: hank.example}\n  - name: b\n" + kOneClient, ":2:24",
       "numeric IP address"},
      {"hubs:\n  - {name: a, endpoint: 'hank:80'}\n  - name: b\n" + kOneClient, ":2:25",
       "must be http://HOST"},
      {"hubs:\n  - {name: a, endpoint: 'http://hank/'}\n  - name: b\n" + kOneClient, ":2:25",
       "must be http://HOST"},
      {kTwoHubs + kOneClient + "    encryptors: []\n", ":6:17", "at least one SAE"},
      {kTwoHubs + kOneClient + "    encryptors:\n      - name: sam\n      - sam\n", ":8:9",
       "sam is there twice"},
      {kTwoHubs + kOneClient + "    encryptors:\n      - nam: sam\n", ":7:9", "name: is missing"},
      {kTwoHubs + kOneClient + "    encryptors:\n      - [sam]\n", ":7:9", "encryptor"},
      {kTwoHubs + "clients:\n  - name: carol\n  - name: celia\n    encryptors: [carol]\n", ":7:18",
       "carol is there twice"},
      {kTwoHubs + kOneClient + "shares_required: 3\n", ":6:18", "more than the 2 hubs"},
      {kTwoHubs + kOneClient + "shares_required: 1\n", ":6:18", "integer from 2"},
      {kTwoHubs + kOneClient + "key_size: 100\n", ":6:11", "multiple of 8"},
      {kTwoHubs + kOneClient + "psrd: 5\n", ":6:7", "mapping"},
      {kTwoHubs + kOneClient + "courier: yes\n", ":6:10", "mapping"},
      {kTwoHubs + kOneClient + "courier: {high_mark_blocks: 0}\n", ":6:29", "high_mark_blocks"},
      {kTwoHubs + kOneClient + "courier: {interval_seconds: 0}\n", ":6:29", "interval_seconds"},
      {kTwoHubs + kOneClient + "psrd: {client_bytes: 1}\n", ":6:22", "client_bytes: must be an integer"},
      {kTwoHubs + kOneClient + "psrd: {bytes: 8192}\n", ":6:8", "bytes: is not known here"},
      {kTwoHubs + kOneClient + "base_port: x\n", ":6:12", "base_port: must be an integer"},
      {kTwoHubs + kOneClient + "base_port: 1\nbase_port: 2\n", ":7:1", "twice"},
  };
  for (const Case& bad : cases) {
    CAPTURE(bad.text);
    const auto topology = parsed(bad.text);
    REQUIRE_FALSE(topology.has_value());
    CAPTURE(topology.error().message);
    CHECK(topology.error().kind == ErrorKind::invalid);
    CHECK(topology.error().message.find(bad.place) != std::string::npos);
    CHECK(topology.error().message.find(bad.reason) != std::string::npos);
    CHECK(topology.error().message.rfind("net/topology.yaml", 0) == 0);
  }
}

TEST_CASE("a topology file that is not there is named") {
  const auto topology = read_topology("/nonexistent/topology.yaml");
  REQUIRE_FALSE(topology.has_value());
  CHECK(topology.error().message.find("/nonexistent/topology.yaml") != std::string::npos);
}
