#include "manager/network.h"

#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/temporary_directory.h"

using namespace dske;
using namespace dske::manager;

namespace {

Topology topology_in(const test::TemporaryDirectory& directory, const std::string& text) {
  auto topology = parse_topology(text, directory.path() / "topology.yaml");
  REQUIRE(topology.has_value());
  return std::move(*topology);
}

const std::string kPlain = "hubs: [{name: hank}, {name: helen}]\nclients: [{name: carol}, {name: hank}]\n";

}  // namespace

TEST_CASE("nodes have their ports, URLs and files") {
  const test::TemporaryDirectory directory;
  auto network = Network::open(topology_in(directory, kPlain));
  REQUIRE(network.has_value());
  const Node* const carol = network->find(NodeKind::client, "carol");
  REQUIRE(carol != nullptr);
  CHECK(carol->port == 8102);
  CHECK(carol->management_port == 9102);
  CHECK(carol->url == "https://127.0.0.1:8102");
  CHECK(carol->management_url == "http://127.0.0.1:9102");
  CHECK(carol->is_local);
  CHECK(carol->config_file == directory.path() / "run/kme/carol/kme.yaml");
  CHECK(carol->log_file == directory.path() / "run/log/kme-carol.log");
  CHECK(network->find(NodeKind::hub, "hank")->url == "http://127.0.0.1:8100");
  CHECK_FALSE(std::filesystem::exists(directory.path() / "run"));
}

TEST_CASE("a node on another host, an endpoint, IPv6 and wildcard addresses show in the URLs") {
  const test::TemporaryDirectory directory;
  auto network = Network::open(
      topology_in(directory,
                  "hubs: [{name: a, address: 192.0.2.1}, {name: b, endpoint: 'http://127.0.0.1:7000'}]\n"
                  "clients: [{name: c, address: '::1'}, {name: d, address: 0.0.0.0}]\n"));
  REQUIRE(network.has_value());
  CHECK_FALSE(network->find(NodeKind::hub, "a")->is_local);
  CHECK(network->find(NodeKind::hub, "a")->url == "http://192.0.2.1:8100");
  CHECK(network->find(NodeKind::hub, "b")->url == "http://127.0.0.1:7000");
  CHECK(network->find(NodeKind::client, "c")->url == "https://[::1]:8102");
  CHECK(network->find(NodeKind::client, "d")->url == "https://127.0.0.1:8103");
  CHECK(network->find(NodeKind::client, "d")->is_local);
}

TEST_CASE("nodes are named by kind and name, or by a name that only one has") {
  const test::TemporaryDirectory directory;
  auto network = Network::open(topology_in(directory, kPlain));
  REQUIRE(network.has_value());
  CHECK((*network->named("hub/hank"))->kind == NodeKind::hub);
  CHECK((*network->named("client/hank"))->kind == NodeKind::client);
  CHECK((*network->named("helen"))->kind == NodeKind::hub);
  const auto both = network->named("hank");
  REQUIRE_FALSE(both.has_value());
  CHECK(both.error().message == "say hub/hank or client/hank");
  const auto none = network->named("client/helen");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message.find("hub/hank, hub/helen, client/carol, client/hank") != std::string::npos);
}

TEST_CASE("a selection is everything, or what was named") {
  const test::TemporaryDirectory directory;
  auto network = Network::open(topology_in(directory, kPlain));
  REQUIRE(network.has_value());
  const Node& hub = *network->find(NodeKind::hub, "hank");
  const Node& client = *network->find(NodeKind::client, "hank");
  CHECK(Selection{}.has(hub));
  const Selection only_hub{{"hank"}, {}};
  CHECK(only_hub.has(hub));
  CHECK_FALSE(only_hub.has(client));
  CHECK(check_selection(*network, only_hub).has_value());
  CHECK_FALSE(check_selection(*network, {{}, {"helen"}}).has_value());
}

TEST_CASE("a run directory keeps to its topology, which may grow or shrink but not become another") {
  const test::TemporaryDirectory directory;
  {
    auto network = Network::open(topology_in(directory, kPlain));
    REQUIRE(network.has_value());
    REQUIRE(network->claim().has_value());
  }
  struct stat status {};
  REQUIRE(::stat((directory.path() / "run").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);

  CHECK(Network::open(topology_in(directory, kPlain)).has_value());
  CHECK(Network::open(topology_in(directory,
                                  "hubs: [{name: a}, {name: hank}, {name: helen}]\n"
                                  "clients: [{name: carol}, {name: hank}, {name: x}]\n"))
            .has_value());
  CHECK(
      Network::open(topology_in(directory, "hubs: [{name: hank}, {name: helen}]\nclients: [{name: carol}]\n"))
          .has_value());
  const auto other = Network::open(
      topology_in(directory, "hubs: [{name: hank}, {name: hugo}]\nclients: [{name: carol}, {name: hank}]\n"));
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().kind == ErrorKind::conflict);
  CHECK(other.error().message.find("belongs to another topology") != std::string::npos);
}

TEST_CASE("only one manager at a time works on a run directory") {
  const test::TemporaryDirectory directory;
  auto network = Network::open(topology_in(directory, kPlain));
  REQUIRE(network.has_value());
  const auto first = network->claim();
  REQUIRE(first.has_value());
  const auto second = network->claim();
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().kind == ErrorKind::conflict);
}
