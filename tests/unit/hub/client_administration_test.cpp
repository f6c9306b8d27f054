#include "hub/client_administration.h"

#include <fstream>

#include <doctest/doctest.h>

#include "hub/psrd_listing.h"
#include "hub/running_hub.h"
#include "memory_block.h"

namespace dske::hub::test {
namespace {

using store::test::client;
using store::test::kind_of;
using store::test::random_id;
using store::test::sae;

// A hub, its administration, and files that pretend to be ready.
struct Administered {
  TemporaryDirectory directory;
  RunningHub hub;
  ReadyFiles files{directory.path()};
  ClientAdministration administration{hub.clients(), hub.store(), files};

  void put_file(std::string_view name, const BlockId& block, const std::string& extension = ".json") const {
    std::filesystem::create_directories(files.directory_of(client(name)));
    std::ofstream(files.directory_of(client(name)) / (block.text() + extension)) << "secret";
  }
  Result<std::shared_ptr<Client>> set_enabled(std::string_view name, bool enabled) {
    return store::test::answer_of<std::shared_ptr<Client>>(
        [&](auto done) { administration.set_enabled(client(name), enabled, std::move(done)); });
  }
};

TEST_CASE("what a disabled client sends is refused, signed, until it is enabled") {
  Administered all;
  HandClient carol = all.hub.registered("carol");
  CHECK(kind_of(all.set_enabled("nobody", false)) == ErrorKind::not_found);
  REQUIRE(all.set_enabled("carol", false).has_value());
  const Answer refused = all.hub.call(carol, all.hub.echo(), request("GET", "/x"));  // checks the signature
  CHECK(refused.status() == 403);
  CHECK(refused.body().find("disabled") != std::string_view::npos);
  CHECK(all.hub.register_as(carol, all.hub.registration_of(carol, 2)).status() == 403);
  CHECK(all.hub.client("carol")->registration_number() == 1);
  REQUIRE(all.set_enabled("carol", true).has_value());
  CHECK(all.hub.call(carol, all.hub.echo(), request("GET", "/x")).status() == 200);
}

TEST_CASE("a client is still disabled after a restart of the hub") {
  Administered all;
  HandClient carol = all.hub.registered("carol");
  REQUIRE(all.set_enabled("carol", false).has_value());
  all.hub.restart();
  CHECK_FALSE(all.hub.client("carol")->enabled());
  CHECK(all.hub.call(carol, all.hub.echo(), request("GET", "/x")).status() == 403);
}

TEST_CASE("whoever holds a removed client can do nothing with it any more") {
  Administered all;
  HandClient carol = all.hub.registered("carol");
  const auto held = all.hub.client("carol");
  all.put_file("carol", random_id<BlockId>());
  const auto removed = all.administration.remove(client("carol"));
  REQUIRE(removed.has_value());
  CHECK(removed->blocks == 1);
  CHECK(removed->files == 1);
  CHECK_FALSE(std::filesystem::exists(all.files.directory_of(client("carol"))));
  CHECK(all.hub.clients().by_name(client("carol")) == nullptr);
  CHECK(all.hub.clients().by_sae(sae("carol")) == nullptr);
  CHECK(all.hub.clients().by_block(carol.block()) == nullptr);
  CHECK(held->pool().blocks().empty());
  PsrdBlock late = dske::test::memory_block(random_id<BlockId>(), PsrdLayout::of_halves(4096, 4096),
                                            SecretBytes(8192), Side::hub);
  CHECK_FALSE(all.hub.clients().add_block(held, std::move(late), false));
  http::Request call = request("GET", "/x");
  all.hub.sign(carol, call);
  CHECK(answer_of(all.hub.echo(), std::move(call)).status() == 401);
  CHECK(kind_of(all.administration.remove(client("carol"))) == ErrorKind::not_found);
}

TEST_CASE("a revoked block verifies nothing any more, another of the same client does") {
  Administered all;
  HandClient first = all.hub.registered("carol");
  HandClient second = all.hub.assign("carol");
  all.put_file("carol", first.block());
  CHECK(kind_of(all.administration.revoke({first.block(), random_id<BlockId>()})) == ErrorKind::not_found);
  CHECK(all.hub.client("carol")->pool().has_block(first.block()));
  REQUIRE(all.administration.revoke({first.block()}).has_value());
  CHECK(all.files.of(client("carol")).empty());
  CHECK(all.hub.client("carol")->revoked_blocks() == std::set<BlockId>{first.block()});
  http::Request call = request("GET", "/x");
  all.hub.sign(first, call);
  CHECK(answer_of(all.hub.echo(), std::move(call)).status() == 401);
  CHECK(all.hub.register_as(second, all.hub.registration_of(second, 2)).status() == 200);
  const auto all_blocks = all.administration.revoke_all(client("carol"));
  REQUIRE(all_blocks.has_value());
  CHECK(all_blocks->size() == 1);
  CHECK(all.hub.client("carol")->pool().blocks().empty());
}

TEST_CASE("a client is without PSRD as long as it has neither registered nor a block that left the hub") {
  Administered all;
  CHECK(kind_of(all.administration.check_without_psrd(client("nobody"))) == ErrorKind::not_found);
  CHECK(all.administration.check_without_psrd(client("carol")).has_value());
  HandClient carol = all.hub.assign("carol");
  CHECK(kind_of(all.administration.check_without_psrd(client("carol"))) == ErrorKind::conflict);
  all.put_file("carol", carol.block());
  CHECK(all.administration.check_without_psrd(client("carol")).has_value());
  REQUIRE(all.hub.register_as(carol, all.hub.registration_of(carol, 1)).status() == 200);
  CHECK(kind_of(all.administration.check_without_psrd(client("carol"))) == ErrorKind::conflict);
}

TEST_CASE("a client's level is that of the blocks that it has ingested") {
  Administered all;
  (void)all.hub.assign("carol");
  CHECK(ingested_levels(*all.hub.client("carol")).blocks == 0);
  HandClient second = all.hub.registered("carol");
  const PsrdLevels levels = ingested_levels(*all.hub.client("carol"));
  CHECK(levels.blocks == 1);
  CHECK(levels.client_pad.total_bytes == second.layout().client_pad);
}

TEST_CASE("ready files are whole files named after a block, of either form") {
  Administered all;
  const auto json = random_id<BlockId>();
  const auto binary = random_id<BlockId>();
  all.put_file("carol", json);
  all.put_file("carol", binary, ".psrd");
  all.put_file("carol", random_id<BlockId>(), ".json.0123456789abcdef.tmp");
  all.put_file("carol", random_id<BlockId>(), ".txt");
  std::ofstream(all.files.directory_of(client("carol")) / "notes.json") << "x";
  CHECK(all.files.of(client("carol")).size() == 2);
  CHECK(all.files.of(client("celia")).empty());
  REQUIRE(all.files.wipe(client("carol"), binary).has_value());
  REQUIRE(all.files.wipe(client("carol"), binary).has_value());
  REQUIRE(all.files.of(client("carol")).size() == 1);
  CHECK(all.files.of(client("carol"))[0].block == json);
  CHECK(all.files.of(client("carol"))[0].bytes == 6);
  REQUIRE(all.files.remove_unfinished().has_value());
  for (const auto& entry : std::filesystem::directory_iterator(all.files.directory_of(client("carol")))) {
    CHECK(entry.path().extension() != ".tmp");
  }
}

}  // namespace
}  // namespace dske::hub::test
