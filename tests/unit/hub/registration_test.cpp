#include <doctest/doctest.h>

#include "hub/running_hub.h"

namespace dske::hub::test {
namespace {

using store::test::require_ok;
using store::test::sae;

http::Request any() {
  return request("GET", "/hub/hank/dske/api/v1/key-share");
}

RegistrationAnswer parsed(const Answer& answer) {
  CAPTURE(answer.body());
  REQUIRE(answer.status() == 200);
  auto made = RegistrationAnswer::parse(answer.body());
  require_ok(made);
  return std::move(*made);
}

TEST_CASE("a registration tells the hub's id, epoch, limits and where its zones stand") {
  RunningHub hub;
  HandClient carol = hub.assign("carol");
  CHECK_FALSE(hub.client("carol")->registered());
  const RegistrationAnswer answer = parsed(hub.register_as(carol, hub.registration_of(carol, 1)));
  CHECK(answer.hub_id == hub.id());
  CHECK(answer.hub_name.text() == "hank");
  CHECK(answer.epoch == hub.epoch());
  CHECK(answer.sae_ids == std::vector<SaeId>{sae("carol")});
  CHECK(answer.refused_sae_ids.empty());
  CHECK(answer.limits.share_bytes == 1048608);
  CHECK(answer.limits.slaves == 64);
  CHECK(answer.unknown_blocks.empty());
  REQUIRE(answer.blocks.size() == 1);
  CHECK(answer.blocks[0].block == carol.block());
  CHECK(answer.blocks[0].own[Zone::pad] == carol.layout().begin(Side::hub, Zone::pad));
  // The polling key and the one-time key of this very message.
  CHECK(answer.blocks[0].seen[Zone::authenticator] == 64);
  CHECK(hub.client("carol")->registered());
}

TEST_CASE("a registration number is used once and only grows, also across a restart") {
  RunningHub hub;
  HandClient carol = hub.assign("carol");
  parsed(hub.register_as(carol, hub.registration_of(carol, 5)));
  CHECK(hub.register_as(carol, hub.registration_of(carol, 5)).status() == 409);
  CHECK(hub.register_as(carol, hub.registration_of(carol, 4)).status() == 409);
  hub.restart();
  CHECK(hub.client("carol")->registration_number() == 5);
  CHECK(hub.register_as(carol, hub.registration_of(carol, 5)).status() == 409);
  parsed(hub.register_as(carol, hub.registration_of(carol, 6)));
}

TEST_CASE("a registration that was recorded is refused after a restart, though its bytes are unused again") {
  RunningHub hub;
  HandClient carol = hub.assign("carol");
  http::Request put =
      request("PUT", "/hub/hank/dske/api/v1/registration", "", hub.registration_of(carol, 1).write());
  hub.sign(carol, put, {}, Epoch());
  CHECK(answer_of(hub.registering(), copy_of(put)).status() == 200);
  hub.restart();
  CHECK(answer_of(hub.registering(), copy_of(put)).status() != 200);
  CHECK(hub.client("carol")->registration_number() == 1);
}

TEST_CASE("nobody registers in another client's name") {
  RunningHub hub;
  HandClient mallory = hub.registered("mallory");
  RegistrationRequest message = hub.registration_of(mallory, 2);
  message.client = store::test::client("carol");
  CHECK(hub.register_as(mallory, message).status() == 403);
  CHECK_FALSE(hub.client("carol")->registered());
  CHECK(hub.client("mallory")->registration_number() == 1);
}

TEST_CASE("SAE IDs that the operator did not bind to the client are refused by name") {
  RunningHub hub;
  HandClient carol = hub.assign("carol");
  RegistrationRequest message = hub.registration_of(carol, 1);
  message.sae_ids = {sae("carol"), sae("celia"), sae("nobody")};
  const RegistrationAnswer answer = parsed(hub.register_as(carol, message));
  CHECK(answer.sae_ids == std::vector<SaeId>{sae("carol")});
  CHECK(answer.refused_sae_ids == std::vector<SaeId>{sae("celia"), sae("nobody")});
  CHECK_FALSE(hub.client("carol")->serves(sae("celia")));
}

TEST_CASE("the polling key must be 32 unused bytes of the client's authenticator zone") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  RegistrationRequest message = hub.registration_of(carol, 2);
  const Allocation fresh = message.polling_key;
  const auto refused_with = [&](Allocation key) {
    message.polling_key = std::move(key);
    CHECK(hub.register_as(carol, message).status() == 400);
  };
  refused_with({{fresh[0].block, fresh[0].start, 31}});
  refused_with(carol.take(Zone::pad, 32).allocation);
  refused_with({{carol.block(), carol.layout().begin(Side::hub, Zone::authenticator), 32}});
  refused_with({{carol.block(), 0, 32}});  // the polling key of registration 1
  HandClient celia = hub.registered("celia");
  refused_with(celia.take(Zone::authenticator, 32).allocation);
  CHECK(hub.client("carol")->registration_number() == 1);
  message.polling_key = fresh;
  parsed(hub.register_as(carol, message));
}

TEST_CASE("a body that is no registration is refused and changes nothing") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  for (const std::string body : {"", "{}", "[1]", "{\"protocol_version\":2}"}) {
    http::Request put = request("PUT", "/hub/hank/dske/api/v1/registration", "", SecretBytes::copy_of(body));
    hub.sign(carol, put, {}, Epoch());
    CHECK(answer_of(hub.registering(), std::move(put)).status() == 400);
  }
  CHECK(hub.client("carol")->registration_number() == 1);
}

TEST_CASE("blocks that the client holds and the hub does not are named, another's block among them") {
  RunningHub hub;
  HandClient carol = hub.assign("carol");
  const HandClient celia = hub.assign("celia");
  RegistrationRequest message = hub.registration_of(carol, 1);
  BlockPositions strange = carol.positions();
  strange.block = store::test::random_id<BlockId>();
  message.blocks.push_back(strange);
  message.blocks.push_back(celia.positions());
  const RegistrationAnswer answer = parsed(hub.register_as(carol, message));
  CHECK(answer.unknown_blocks == std::vector<BlockId>{strange.block, celia.block()});
  CHECK(answer.blocks.size() == 1);
  CHECK(hub.client("celia")->pool().listed_blocks().empty());
}

TEST_CASE("the hub sends from a block only after its client has listed it") {
  RunningHub hub;
  HandClient first = hub.registered("carol");
  HandClient second = hub.assign("carol");
  CHECK(hub.client("carol")->pool().listed_blocks() == std::vector<BlockId>{first.block()});
  RegistrationRequest message = hub.registration_of(first, 2);
  message.blocks.push_back(second.positions());
  parsed(hub.register_as(first, message));
  CHECK(hub.client("carol")->pool().listed_blocks() == std::vector<BlockId>{first.block(), second.block()});
}

TEST_CASE("a block that the client no longer lists is dropped for good") {
  RunningHub hub;
  HandClient first = hub.registered("carol");
  HandClient second = hub.assign("carol");
  RegistrationRequest message = hub.registration_of(first, 2);
  message.blocks.push_back(second.positions());
  parsed(hub.register_as(first, message));
  RegistrationRequest without = hub.registration_of(second, 3);
  CHECK(hub.register_as(second, without).status() == 200);
  CHECK(hub.client("carol")->pool().blocks() == std::vector<BlockId>{second.block()});
  http::Request sent = any();
  hub.sign(first, sent);
  CHECK(answer_of(hub.echo(), std::move(sent)).status() == 401);
  hub.restart();
  CHECK(hub.client("carol")->pool().blocks() == std::vector<BlockId>{second.block()});
}

TEST_CASE("what lies below the client's own position is refused from then on") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  const Reserved skipped = carol.take(Zone::authenticator, kOneTimeMacKeySize);
  RegistrationRequest message = hub.registration_of(carol, 2);
  message.blocks[0].own[Zone::authenticator] = message.polling_key[0].start;
  parsed(hub.register_as(carol, message));
  http::Request sent = any();
  hub.sign(carol, sent, Reserved{skipped.allocation, skipped.bytes.clone()});
  CHECK(answer_of(hub.echo(), std::move(sent)).status() == 401);
  CHECK(hub.call(carol, hub.echo(), any()).status() == 200);
}

TEST_CASE("a hub whose store was set back drops the block of which the client has seen more used") {
  for (const Zone zone : kZones) {
    RunningHub hub;
    HandClient first = hub.registered("carol");
    HandClient second = hub.assign("carol");
    RegistrationRequest message = hub.registration_of(first, 2);
    message.blocks.push_back(second.positions());
    message.blocks[0].seen[zone] = first.layout().end(Side::hub, zone);
    http::Request put = request("PUT", "/hub/hank/dske/api/v1/registration", "", message.write());
    hub.sign(first, put, {}, Epoch());
    const Answer signed_by_second = answer_of(hub.registering(), std::move(put));
    REQUIRE(signed_by_second.status() == 200);
    CHECK(signed_by_second.header(kSignatureHeader).find(second.block().text()) != std::string_view::npos);
    const RegistrationAnswer answer = parsed(signed_by_second);
    REQUIRE(answer.blocks.size() == 1);
    CHECK(answer.blocks[0].block == second.block());
    CHECK(answer.unknown_blocks == std::vector{first.block()});
    CHECK(hub.client("carol")->pool().blocks() == std::vector{second.block()});
    http::Request sent = any();
    hub.sign(first, sent);
    CHECK(answer_of(hub.echo(), std::move(sent)).status() == 401);
    hub.restart();
    CHECK(hub.client("carol")->pool().blocks() == std::vector{second.block()});
  }
}

TEST_CASE("a hub whose store was set back sends nothing from the only block that it has") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  RegistrationRequest message = hub.registration_of(carol, 2);
  message.blocks[0].seen[Zone::authenticator] = carol.layout().end(Side::hub, Zone::authenticator);
  http::Request put = request("PUT", "/hub/hank/dske/api/v1/registration", "", message.write());
  hub.sign(carol, put, {}, Epoch());
  const Answer answer = answer_of(hub.registering(), std::move(put));
  CHECK(answer.status() != 200);
  CHECK(answer.header(kSignatureHeader).empty());
  CHECK(hub.client("carol")->pool().blocks().empty());
}

http::Request leaving(std::string query) {
  return request("DELETE", "/hub/hank/dske/api/v1/registration", std::move(query));
}

TEST_CASE("who leaves for good gets a signed answer, and nothing of its PSRD is left") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  const Answer left = hub.call(carol, hub.leaving(), leaving("psrd=wipe"));
  CHECK(left.status() == 200);
  CHECK(left.body() == R"({"left":true})");
  CHECK_FALSE(hub.client("carol")->registered());
  CHECK(hub.client("carol")->pool().blocks().empty());
  http::Request sent = any();
  hub.sign(carol, sent);
  CHECK(answer_of(hub.echo(), std::move(sent)).status() == 401);
  hub.restart();
  CHECK_FALSE(hub.client("carol")->registered());
  CHECK(hub.client("carol")->pool().blocks().empty());
  HandClient again = hub.assign("carol");
  parsed(hub.register_as(again, hub.registration_of(again, 2)));
  CHECK(hub.client("carol")->registered());
}

TEST_CASE("who leaves for a while keeps its PSRD, and the hub sends from it again when it is back") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  CHECK(hub.call(carol, hub.leaving(), leaving("psrd=keep")).status() == 200);
  CHECK_FALSE(hub.client("carol")->registered());
  CHECK(hub.client("carol")->pool().listed_blocks().empty());
  bool has_polling_key = false;
  hub.client("carol")->with_polling_key([&](ByteView) { has_polling_key = true; });
  CHECK_FALSE(has_polling_key);
  hub.restart();
  CHECK_FALSE(hub.client("carol")->registered());
  CHECK(hub.client("carol")->registration_number() == 1);
  parsed(hub.register_as(carol, hub.registration_of(carol, 2)));
  CHECK(hub.client("carol")->registered());
  CHECK(hub.call(carol, hub.echo(), any()).status() == 200);
}

TEST_CASE("leaving takes one of two words, and only the client itself leaves") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  for (const char* query : {"", "psrd", "psrd=", "psrd=all", "psrd=wipe&psrd=keep", "psrd=wipe&x=1"})
    CHECK(hub.call(carol, hub.leaving(), leaving(query)).status() == 400);
  http::Request altered = leaving("psrd=keep");
  hub.sign(carol, altered);
  altered.query = "psrd=wipe";
  CHECK(answer_of(hub.leaving(), std::move(altered)).status() == 401);
  CHECK(hub.client("carol")->registered());
  HandClient celia = hub.registered("celia");
  CHECK(hub.call(celia, hub.leaving(), leaving("psrd=wipe")).status() == 200);
  CHECK(hub.client("carol")->registered());
  CHECK(hub.call(carol, hub.echo(), any()).status() == 200);
}

TEST_CASE("positions outside their zone are refused and nothing of the registration is kept") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  RegistrationRequest message = hub.registration_of(carol, 2);
  message.blocks[0].own[Zone::authenticator] = carol.layout().end(Side::client, Zone::pad);
  CHECK(hub.register_as(carol, message).status() != 200);
  CHECK(hub.client("carol")->registration_number() == 1);
  parsed(hub.register_as(carol, hub.registration_of(carol, 2)));
}

}  // namespace
}  // namespace dske::hub::test
