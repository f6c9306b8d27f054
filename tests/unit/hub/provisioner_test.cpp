#include "hub/provisioner.h"

#include <doctest/doctest.h>

#include "hub/running_hub.h"

namespace dske::hub::test {
namespace {

using store::test::client;
using store::test::random_id;

// A hub with a provisioner whose rounds the test makes; carol, celia and mallory are its clients.
struct Provisioned {
  explicit Provisioned(std::uint64_t pool_size = 2) {
    config.name = store::test::name<HubName>("hank");
    config.endpoint = "http://127.0.0.1:8100";
    config.node.state_dir = directory.path();
    config.provisioner.pool_size = pool_size;
    config.provisioner.client_bytes = 4096;
    config.provisioner.hub_bytes = 4096;
    config.provisioner.keep_free_bytes = 0;
  }

  TemporaryDirectory directory;
  HubConfig config;
  RunningHub hub;
  SystemRandomness randomness;
  PsrdRandomness psrd_randomness{randomness, {}, directory.path()};
  Operations operations{hub.id(), config, hub.clients(), hub.store(), randomness, psrd_randomness};
  ReadyFiles files{directory.path()};
  Provisioner provisioner{config, hub.clients(), operations, files};

  [[nodiscard]] std::size_t ready(std::string_view name) const { return files.of(client(name)).size(); }
};

TEST_CASE("a round makes what is missing and no more") {
  Provisioned all;
  REQUIRE(all.provisioner.top_up().has_value());
  for (const char* name : {"carol", "celia", "mallory"}) CHECK(all.ready(name) == 2);
  REQUIRE(all.provisioner.top_up().has_value());
  CHECK(all.ready("carol") == 2);
  std::filesystem::remove(all.files.of(client("celia"))[0].path);
  REQUIRE(all.provisioner.top_up().has_value());
  CHECK(all.ready("celia") == 2);
  CHECK(all.provisioner.status().made == 7);
}

TEST_CASE("clients get their files in turn, when there is room for a few only") {
  Provisioned all(5);
  all.config.provisioner.total_bytes = std::uint64_t{3} * 13000;
  const auto full = all.provisioner.top_up();
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().kind == ErrorKind::exhausted);
  for (const char* name : {"carol", "celia", "mallory"}) CHECK(all.ready(name) == 1);
}

TEST_CASE("nothing is made when the file system would have too little left") {
  Provisioned all;
  all.config.provisioner.keep_free_bytes = std::uint64_t{1} << 60;
  const auto full = all.provisioner.top_up();
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().message.find("keep_free_bytes") != std::string::npos);
  CHECK(all.ready("carol") == 0);
}

TEST_CASE("a file that nobody can use is removed, and replaced if its client may have one") {
  Provisioned all;
  REQUIRE(all.provisioner.top_up().has_value());
  const ReadyFile stale = all.files.of(client("carol"))[0];
  all.hub.clients().remove_block(stale.block);
  all.hub.client("celia")->set_enabled(false);
  std::filesystem::remove(all.files.of(client("celia"))[0].path);
  REQUIRE(all.provisioner.top_up().has_value());
  CHECK_FALSE(std::filesystem::exists(stale.path));
  CHECK(all.ready("carol") == 2);
  CHECK(all.ready("celia") == 1);
}

}  // namespace
}  // namespace dske::hub::test
