#include "manager/provisioning.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/temporary_directory.h"
#include "manager/status_fixture.h"

using namespace dske;
using namespace dske::manager;

namespace {

NodeStatus hub_with(const PsrdLevel& level) {
  NodeStatus status;
  PeerStatus peer;
  peer.name = "carol";
  peer.psrd = level;
  status.peers.push_back(peer);
  return status;
}

}  // namespace

TEST_CASE("a client needs PSRD at a hub that does not know it, or where it holds no block") {
  CHECK(needs_psrd(NodeStatus(), "carol", {}));
  CHECK(needs_psrd(hub_with(PsrdLevel()), "carol", {}));
  CHECK(needs_psrd(hub_with(manager::test::level_of(100)), "celia", {}));
}

TEST_CASE("a client needs PSRD when some zone has less than half of what a default block gives") {
  CHECK_FALSE(needs_psrd(hub_with(manager::test::level_of(100)), "carol", {}));
  CHECK_FALSE(needs_psrd(hub_with(manager::test::level_of(50)), "carol", {}));
  CHECK(needs_psrd(hub_with(manager::test::level_of(49)), "carol", {}));

  PsrdLevel level = manager::test::level_of(100);
  level.hub_pad.left_bytes = 98303;
  CHECK(needs_psrd(hub_with(level), "carol", {}));
  level.hub_pad.left_bytes = 98304;
  CHECK_FALSE(needs_psrd(hub_with(level), "carol", {}));
  CHECK_MESSAGE(needs_psrd(hub_with(level), "carol", {262144, 1048576}), "larger blocks are the measure");
}

TEST_CASE("a PSRD file is moved under its name into a directory that is made for it") {
  const dske::test::TemporaryDirectory directory;
  const auto file = directory.path() / "block.json";
  REQUIRE(write_file_atomically(file, as_bytes("{}"), 0600).has_value());
  REQUIRE(move_psrd_file(file, directory.path() / "kme/psrd-in").has_value());
  CHECK_FALSE(std::filesystem::exists(file));
  const auto moved = read_file(directory.path() / "kme/psrd-in/block.json", 100);
  REQUIRE(moved.has_value());
  CHECK(moved->text() == "{}");
  const auto again = move_psrd_file(file, directory.path() / "kme/psrd-in");
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().message.find(file.string()) != std::string::npos);
}

TEST_CASE("a directory for another host has configuration and TLS files, all private") {
  const dske::test::TemporaryDirectory directory;
  auto topology = parse_topology(
      "hubs: [{name: hank}, {name: helen, address: 192.0.2.9}]\nclients: [{name: carol, address: "
      "192.0.2.7}]\n",
      directory.path() / "topology.yaml");
  REQUIRE(topology.has_value());
  auto network = Network::open(std::move(*topology));
  REQUIRE(network.has_value());
  const Pki pki(network->pki_directory());
  REQUIRE(pki.init().has_value());
  REQUIRE(pki.issue_missing(subjects_of(*network, {})).has_value());

  const auto target = directory.path() / "carol";
  REQUIRE(prepare_directory_to_copy(*network, *network->find(NodeKind::client, "carol"), target).has_value());
  for (const char* name : {"kme.yaml", "tls/kme.crt", "tls/kme.key", "tls/ca.crt"}) {
    CAPTURE(name);
    REQUIRE(std::filesystem::is_regular_file(target / name));
    CHECK(std::filesystem::status(target / name).permissions() ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  }
  REQUIRE(
      prepare_directory_to_copy(*network, *network->find(NodeKind::hub, "helen"), directory.path() / "helen")
          .has_value());
  CHECK(std::filesystem::exists(directory.path() / "helen/hub.yaml"));
  CHECK_FALSE(std::filesystem::exists(directory.path() / "helen/tls"));
}

TEST_CASE("certificates are needed by each selected KME and each of its SAEs") {
  const dske::test::TemporaryDirectory directory;
  auto topology = parse_topology(
      "hubs: [{name: hank}, {name: helen}]\nclients: [{name: carol, encryptors: [sam, sue]}, {name: "
      "celia}]\n",
      directory.path() / "topology.yaml");
  REQUIRE(topology.has_value());
  auto network = Network::open(std::move(*topology));
  REQUIRE(network.has_value());
  std::vector<std::string> titles;
  for (const Subject& subject : subjects_of(*network, {})) titles.push_back(subject.title());
  CHECK(titles == std::vector<std::string>{"kme/carol", "sae/sam", "sae/sue", "kme/celia", "sae/celia"});
  CHECK(subjects_of(*network, {{}, {"celia"}}).size() == 2);
}
