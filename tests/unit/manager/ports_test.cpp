#include "manager/ports.h"

#include <string>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/temporary_directory.h"

using namespace dske;
using namespace dske::manager;

namespace {

Topology topology_of(const std::string& text) {
  auto topology = parse_topology(text, "topology.yaml");
  REQUIRE(topology.has_value());
  return std::move(*topology);
}

const std::string kClients = "clients: [{name: carol}, {name: celia}]\n";

}  // namespace

TEST_CASE("ports count up from base_port, hubs then clients") {
  const auto record = assign_ports(topology_of("hubs: [{name: hank}, {name: helen}]\n" + kClients), {});
  REQUIRE(record.has_value());
  CHECK(record->hubs.at("hank") == 8100);
  CHECK(record->hubs.at("helen") == 8101);
  CHECK(record->clients.at("carol") == 8102);
  CHECK(record->clients.at("celia") == 8103);
}

TEST_CASE("a recorded port stays when nodes are added before it or removed") {
  const auto first = assign_ports(topology_of("hubs: [{name: hank}, {name: helen}]\n" + kClients), {});
  REQUIRE(first.has_value());
  const auto added =
      assign_ports(topology_of("hubs: [{name: abel}, {name: hank}, {name: helen}]\n" + kClients), *first);
  REQUIRE(added.has_value());
  CHECK(added->hubs.at("hank") == 8100);
  CHECK(added->clients.at("carol") == 8102);
  CHECK(added->hubs.at("abel") == 8104);

  const auto removed = assign_ports(
      topology_of("hubs: [{name: hank}, {name: helen}, {name: hugo}]\nclients: [{name: celia}]\n"), *added);
  REQUIRE(removed.has_value());
  CHECK(removed->clients.at("celia") == 8103);
  CHECK_MESSAGE(removed->hubs.at("hugo") == 8105, "the ports of nodes that have left are not given away");
}

TEST_CASE("a port that the topology gives wins over the recorded ones") {
  const std::string hubs = "hubs: [{name: hank}, {name: helen, port: 8100}]\n";
  const auto first = assign_ports(topology_of("hubs: [{name: hank}, {name: helen}]\n" + kClients), {});
  REQUIRE(first.has_value());
  const auto record = assign_ports(topology_of(hubs + kClients), *first);
  REQUIRE(record.has_value());
  CHECK(record->hubs.at("helen") == 8100);
  CHECK(record->hubs.at("hank") == 8101);
  CHECK(record->clients.at("carol") == 8102);
}

TEST_CASE("no port is another node's management port") {
  const auto record = assign_ports(topology_of("base_port: 8100\nhubs: [{name: a, port: 9100}, {name: b, "
                                               "port: 7101}]\nclients: [{name: c}, {name: d}]\n"),
                                   {});
  REQUIRE(record.has_value());
  CHECK_MESSAGE(record->clients.at("c") == 8102, "8100's management port and 8101 are taken");
  CHECK(record->clients.at("d") == 8103);
}

TEST_CASE("another base_port assigns anew") {
  const auto first = assign_ports(topology_of("hubs: [{name: hank}, {name: helen}]\n" + kClients), {});
  REQUIRE(first.has_value());
  const auto moved =
      assign_ports(topology_of("base_port: 9500\nhubs: [{name: hank}, {name: helen}]\n" + kClients), *first);
  REQUIRE(moved.has_value());
  CHECK(moved->hubs.at("hank") == 9500);
  CHECK(moved->clients.at("celia") == 9503);
}

TEST_CASE("too few ports above base_port is an error") {
  const auto record =
      assign_ports(topology_of("base_port: 64534\nhubs: [{name: a}, {name: b}]\nclients: [{name: c}]\n"), {});
  REQUIRE_FALSE(record.has_value());
  CHECK(record.error().kind == ErrorKind::exhausted);
}

TEST_CASE("the record survives its file, a missing file is an empty record, a damaged one an error") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "ports.json";
  const auto none = read_port_record(file);
  REQUIRE(none.has_value());
  CHECK(none->base_port == 0);

  const PortRecord record{8100, {{"hank", 8100}}, {{"carol", 8101}}};
  REQUIRE(write_port_record(file, record).has_value());
  const auto again = read_port_record(file);
  REQUIRE(again.has_value());
  CHECK(again->base_port == 8100);
  CHECK(again->hubs == record.hubs);
  CHECK(again->clients == record.clients);

  for (const char* text : {"{}", "[]", R"({"base_port": 8100, "hubs": {"hank": 0}, "clients": {}})",
                           R"({"base_port": 8100, "hubs": {"hank": 64536}, "clients": {}})", "{"}) {
    CAPTURE(text);
    REQUIRE(write_file_atomically(file, as_bytes(text), 0600).has_value());
    const auto damaged = read_port_record(file);
    REQUIRE_FALSE(damaged.has_value());
    CHECK(damaged.error().message.find(file.string()) != std::string::npos);
  }
}
