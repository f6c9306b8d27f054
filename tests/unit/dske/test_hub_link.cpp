#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "memory_block.h"
#include "simulated_network.h"

namespace dske::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// One client and one hub; k is of no interest here.
struct OneLink {
  explicit OneLink(std::uint32_t seed = 1) : network(seed, 1, 2), client(network.add_client("carol")) {}

  HubLink& link() { return client.link(0); }
  SimulatedHub& hub() { return network.hub(0); }
  Weather& weather() { return network.weather(0); }
  Result<HubReply> call() { return network.call(client, 0, "GET", "/sae/carol"); }
  [[nodiscard]] std::uint64_t client_bytes() const {
    return network.record.used_bytes(Side::client, Zone::authenticator);
  }
  void check_record() const { CHECK(network.record.faults() == std::vector<std::string>()); }

  SimulatedNetwork network;
  SimulatedClient& client;
};

TEST_CASE("hub link: it registers, then calls are answered") {
  OneLink one;
  CHECK(one.link().state() == HubLink::State::no_psrd);
  CHECK(one.call().error().kind == ErrorKind::unavailable);
  one.network.register_all();
  CHECK(one.link().last_error().empty());
  CHECK(one.link().limits().share_bytes == 1048608);
  const auto reply = one.call();
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(one.network.call(one.client, 0, "GET", "/sae/nobody")->status == 404);
  one.check_record();
}

TEST_CASE("hub link: while the hub is not reached the very same bytes are sent again, and no PSRD is spent") {
  OneLink one;
  std::set<std::string> messages;
  std::size_t sent = 0;
  one.network.transport.on_request = [&](const HubAddress&, const HubRequest& request) {
    ++sent;
    messages.insert(request.method + request.target + request.signature + std::string(request.body.text()));
  };
  one.weather().reachable = false;
  one.link().register_now();
  one.network.loop.run_for(minutes(10));
  CHECK(one.link().state() == HubLink::State::unreachable);
  CHECK_FALSE(one.link().last_error().empty());
  CHECK(sent > 50);
  CHECK(messages.size() == 1);
  CHECK(one.client_bytes() == 64);
  one.weather().reachable = true;
  one.network.loop.run_for(seconds(6));
  CHECK(one.link().registered());
  CHECK(one.client_bytes() == 64);
  one.check_record();
}

TEST_CASE("hub link: PSRD that is ingested while the hub is not reached is told with the next attempt") {
  OneLink one;
  one.weather().reachable = false;
  one.link().register_now();
  one.network.loop.run_for(seconds(30));
  one.network.add_block(one.client, 0, 4096);
  one.link().register_now();
  one.network.loop.run_for(seconds(10));
  one.weather().reachable = true;
  one.network.loop.run_for(seconds(10));
  REQUIRE(one.link().registered());
  // The hub sends from the new block only if it was listed.
  CHECK(one.hub().pool(one.client.name()).allocatable_blocks().size() == 2);
}

TEST_CASE("hub link: who waits for a registration that PSRD came too late for waits for the next one") {
  for (int microseconds = 0; microseconds < 6000; microseconds += 150) {
    CAPTURE(microseconds);
    OneLink one;
    one.link().register_now();
    one.network.loop.run_for(std::chrono::microseconds(microseconds));
    const BlockId block = one.network.add_block(one.client, 0, 4096);
    one.link().psrd_added();
    bool told = false;
    one.link().after_registration([&] {
      told = true;
      const auto known = one.hub().pool(one.client.name()).allocatable_blocks();
      CHECK(std::find(known.begin(), known.end(), block) != known.end());
    });
    one.network.loop.run_for(seconds(10));
    CHECK(told);
    one.check_record();
  }
}

TEST_CASE(
    "hub link: a block that is ingested is told to the hub, and one that the hub does not know is dropped") {
  OneLink one;
  one.network.register_all();
  one.network.add_block(one.client, 0, 4096);
  one.link().register_now();
  one.network.loop.run_for(seconds(1));
  CHECK(one.hub().pool(one.client.name()).allocatable_blocks().size() == 2);

  const BlockId unknown = BlockId::random(one.network.randomness);
  const PsrdLayout layout = PsrdLayout::of_halves(4096, 4096);
  const SecretBytes data = one.network.randomness.bytes(layout.total());
  one.client.psrd(0).add(unknown, layout, data.view());
  one.link().pool().add_block(test::memory_block(unknown, layout, data.clone(), Side::client), true);
  one.link().register_now();
  one.network.loop.run_for(seconds(1));
  CHECK(one.link().registered());
  CHECK_FALSE(one.link().pool().has_block(unknown));
}

TEST_CASE(
    "hub link: when the hub does not know the block that signs, another one does, and the unknown one is "
    "dropped") {
  OneLink one;
  const std::vector<BlockId> lost = one.link().pool().blocks();
  REQUIRE(lost.size() == 1);
  const PsrdLayout layout = PsrdLayout::of_halves(4096, 4096);
  const SecretBytes data = one.network.randomness.bytes(layout.total());
  const BlockId unknown = BlockId::random(one.network.randomness);
  one.link().pool().remove_block(lost.front());
  one.client.psrd(0).add(unknown, layout, data.view());
  one.link().pool().add_block(test::memory_block(unknown, layout, data.clone(), Side::client), true);
  one.link().register_now();
  one.network.loop.run_for(seconds(10));
  CHECK_FALSE(one.link().registered());

  one.network.add_block(one.client, 0, 4096);
  one.link().register_now();
  one.network.loop.run_for(seconds(60));
  REQUIRE(one.link().registered());
  CHECK_FALSE(one.link().pool().has_block(unknown));
  CHECK(one.call());
}

TEST_CASE("hub link: after a restart of the hub it registers again, under the new epoch") {
  OneLink one;
  one.network.register_all();
  REQUIRE(one.call());
  one.network.loop.run_for(seconds(5));
  one.hub().restart();
  CHECK(one.call().error().kind == ErrorKind::unauthenticated);
  one.network.loop.run_for(seconds(1));
  CHECK(one.call());
  CHECK(one.hub().registration_number(one.client.name()) == 2);
  one.check_record();
}

TEST_CASE(
    "hub link: who waits for the registration after a restart is called, whether it is still under way or "
    "over") {
  OneLink one;
  one.network.register_all();
  one.network.loop.run_for(seconds(5));
  one.hub().restart();
  // Two calls of the old epoch; the second is refused when the link has registered again already.
  bool first = false;
  bool second = false;
  one.weather().least_delay = one.weather().most_delay = milliseconds(1);
  one.link().call("GET", "/sae/carol", {}, [&](const Result<HubReply>& reply) {
    CHECK(reply.error().kind == ErrorKind::unauthenticated);
    one.link().after_registration([&] { first = one.link().registered(); });
  });
  one.weather().least_delay = one.weather().most_delay = milliseconds(50);
  one.link().call("GET", "/sae/carol", {}, [&](const Result<HubReply>& reply) {
    CHECK(reply.error().kind == ErrorKind::unauthenticated);
    one.link().after_registration([&] { second = one.link().registered(); });
  });
  one.weather().least_delay = one.weather().most_delay = milliseconds(1);
  one.network.loop.run_for(seconds(1));
  CHECK(first);
  CHECK(second);
}

TEST_CASE("hub link: calls in flight are not discarded by the positions that a registration tells") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    OneLink one(seed);
    one.network.register_all();
    one.weather().most_delay = milliseconds(100);
    one.client.psrd(0).disk.delay = milliseconds(1);
    int answered = 0;
    int sent = 0;
    for (int i = 0; i < 30; ++i) {
      if (i % 10 == 4) one.link().register_now();
      ++sent;
      one.link().call("GET", "/sae/carol", {}, [&](const Result<HubReply>& reply) {
        CHECK(reply.has_value());
        ++answered;
      });
      one.network.loop.run_for(std::chrono::microseconds(one.network.randomness.below(20000)));
    }
    one.network.loop.run_for(seconds(3));
    CHECK(answered == sent);
    CHECK(one.hub().refused == 0);
    one.check_record();
  }
}

TEST_CASE("hub link: a pad that was reserved before a registration is still good after it") {
  OneLink one;
  one.network.register_all();
  std::optional<HubLink::Pad> pad;
  one.link().reserve_pad(100, [&](Result<HubLink::Pad> reserved) { pad.emplace(std::move(*reserved)); });
  one.network.loop.run_for(seconds(1));
  REQUIRE(pad);
  one.link().register_now();
  one.network.loop.run_for(seconds(1));
  CHECK(one.hub().pool(one.client.name()).peek(Zone::pad, pad->reserved.allocation));
  pad.reset();
  one.link().register_now();
  one.network.loop.run_for(seconds(1));
  one.link().reserve_pad(1, [&](const Result<HubLink::Pad>&) {});
}

TEST_CASE("hub link: answers that are altered, replayed or reflected are refused") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    OneLink one(seed);
    one.network.register_all();
    one.network.add_block(one.client, 0, 65536);
    one.link().register_now();
    one.network.loop.run_for(seconds(1));
    Weather& weather = one.weather();
    weather.alters_request = weather.alters_answer = weather.replays_answer = weather.reflects_request = 0.15;
    weather.loses_answer = weather.loses_request = weather.repeats_request = weather.refuses = 0.1;
    for (int i = 0; i < 30; ++i) {
      const bool known = one.network.randomness.below(2) == 0;
      const auto reply = one.network.call(one.client, 0, "GET", known ? "/sae/carol" : "/sae/nobody");
      if (reply) {
        CHECK(reply->status == (known ? 200 : 404));
      } else {
        CHECK((reply.error().kind == ErrorKind::unavailable ||
               reply.error().kind == ErrorKind::unauthenticated));
      }
      one.network.loop.run_for(milliseconds(one.network.randomness.below(3000)));
    }
    weather = Weather();
    one.network.loop.run_for(minutes(15));
    CHECK(one.call());
    one.check_record();
  }
}

TEST_CASE("hub link: forged refusals do not make it spend PSRD as fast as the forger likes") {
  OneLink one;
  one.network.register_all();
  one.network.loop.run_for(minutes(1));
  const std::uint64_t before = one.hub().registration_number(one.client.name());
  // The attacker lets registrations pass and answers polls, which cost nothing, with 401.
  one.network.transport.on_request = [&](const HubAddress&, const HubRequest& request) {
    one.weather().refuses = request.method == "PUT" ? 0 : 1;
  };
  for (int i = 0; i < 3000; ++i) {
    one.link().poll({}, [](const Result<HubReply>&) {});
    one.network.loop.run_for(milliseconds(100));
  }
  const std::uint64_t registrations = one.hub().registration_number(one.client.name()) - before;
  CHECK(registrations >= 5);
  CHECK(registrations <= 20);
}

TEST_CASE("hub link: a hub that refuses registrations is asked more and more seldom") {
  // A hub that was never registered with has listed no block, so it cannot even sign its refusals.
  for (const bool signs : {true, false}) {
    CAPTURE(signs);
    OneLink one;
    if (signs) one.network.register_all();
    one.hub().lie = Lie::fails;
    one.link().register_now();
    one.network.loop.run_for(std::chrono::hours(1));
    CHECK_FALSE(one.link().registered());
    if (signs) CHECK(one.link().last_error().find("out of order") != std::string::npos);
    CHECK(one.client_bytes() / 64 < 20);
    CHECK(one.client_bytes() / 64 > 8);
  }
}

TEST_CASE("hub link: a refusal's text is cut between characters") {
  OneLink one;
  one.network.register_all();
  std::string text(199, 'a');
  text += "\xc3\xa4\xc3\xa4";
  // A link over a transport that answers every call alike.
  struct Refusing final : HubTransport {
    explicit Refusing(SimulatedLoop& used_loop) : loop(used_loop) {}
    void send(const HubAddress&, HubRequest, Done done) override {
      loop.after(milliseconds(1), [this, done = std::move(done)]() mutable {
        done(HubAnswer{500, {}, {}, SecretBytes::copy_of("{\"message\":\"" + message + "\"}")});
      });
    }
    SimulatedLoop& loop;
    std::string message;
  } transport(one.network.loop);
  transport.message = text;
  ClientSurroundings surroundings{one.client.name(), {},        one.network.loop,
                                  one.network.clock, transport, one.client.registrations};
  auto pool = LeasedPool::make(Side::client, one.client.psrd(0));
  for (PsrdBlock& block : one.client.psrd(0).read()) pool->add_block(std::move(block), true);
  const auto link = HubLink::make(one.hub().address(), pool, surroundings);
  link->register_now();
  one.network.loop.run_for(seconds(1));
  CHECK(link->last_error().ends_with("aaa"));
  one.network.loop.drop_all();
}

TEST_CASE("hub link: a client that lost its memory reuses nothing, whenever it happens") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    OneLink one(seed);
    one.network.add_block(one.client, 0, 32768);
    one.client.psrd(0).disk.delay = milliseconds(2);
    for (int life = 0; life < 4; ++life) {
      one.network.register_all();
      for (int i = 0; i < 8; ++i) {
        one.link().call("GET", "/sae/carol", {}, [](const Result<HubReply>&) {});
        one.network.loop.run_for(std::chrono::microseconds(one.network.randomness.below(3000)));
      }
      if (one.network.randomness.below(2) == 0) one.link().pool().settle_floors();
      one.network.loop.run_for(milliseconds(one.network.randomness.below(4)));
      one.client.restart();
    }
    one.network.register_all();
    CHECK(one.call());
    one.check_record();
  }
}

TEST_CASE("hub link: a hub whose store was set back skips what this client has seen used") {
  OneLink one;
  one.network.register_all();
  one.hub().keep_copy();
  for (int i = 0; i < 10; ++i) REQUIRE(one.call());
  one.network.loop.run_for(seconds(5));
  one.hub().set_back();
  CHECK_FALSE(one.call());
  one.network.loop.run_for(seconds(5));
  CHECK(one.link().registered());
  CHECK(one.call());
  one.check_record();
}

TEST_CASE("hub link: a block of which the hub has seen more used than this client knows of is dropped") {
  OneLink one;
  const BlockId first = one.link().pool().blocks().at(0);
  one.network.register_all();
  const BlockId second = one.network.add_block(one.client, 0, 8192);
  one.hub().claims_seen = first;
  one.link().register_now();
  one.network.loop.run_for(seconds(5));
  CHECK(one.link().pool().blocks() == std::vector{second});
  CHECK(one.link().registered());
  CHECK(one.call());
  one.check_record();
}

TEST_CASE("hub link: bytes of answers that were lost are discarded with a later registration") {
  OneLink one;
  one.network.register_all();
  const BlockId block = one.link().pool().blocks().at(0);
  one.weather().loses_answer = 1;
  CHECK(one.call().error().kind == ErrorKind::unavailable);
  one.weather().loses_answer = 0;
  one.network.loop.run_for(seconds(10));
  REQUIRE(one.call());
  // Two hourly registrations later everything below is gone, though the hub never restarted.
  one.network.loop.run_for(std::chrono::hours(3));
  one.link().pool().settle_floors();
  one.network.loop.run_for(seconds(1));
  const std::uint64_t floor = one.client.psrd(0).block(block).floor().authenticator;
  CHECK(floor >= one.link().pool().highest_seen(block, Zone::authenticator) - 64);
  CHECK(one.call());
}

TEST_CASE("hub link: without PSRD nothing is tried until some is there") {
  OneLink one;
  one.link().pool().remove_block(one.link().pool().blocks().at(0));
  one.link().register_now();
  one.network.loop.run_for(minutes(10));
  CHECK(one.link().state() == HubLink::State::no_psrd);
  CHECK(one.network.transport.sent(one.hub().id()) == 0);
  one.network.add_block(one.client, 0, 4096);
  one.link().register_now();
  one.network.loop.run_for(seconds(1));
  CHECK(one.link().registered());
}

TEST_CASE(
    "hub link: when the PSRD is used up calls fail as exhausted, and nothing goes out unauthenticated") {
  OneLink one;
  one.network.register_all();
  Result<HubReply> last = one.call();
  for (int i = 0; i < 200 && last; ++i) last = one.call();
  REQUIRE_FALSE(last);
  CHECK(last.error().kind == ErrorKind::exhausted);
  CHECK(one.hub().refused == 0);
  one.check_record();
}

TEST_CASE("hub link: polls list what waits, cost no PSRD, and are refused when altered or replayed") {
  OneLink one;
  one.network.register_all();
  const std::uint64_t before = one.client_bytes();
  for (int i = 0; i < 100; ++i) {
    const auto reply = one.network.poll(one.client, 0);
    REQUIRE(reply);
    CHECK(reply->body.text() == "{\"bundles\":[],\"more\":false,\"cursor\":0}");
  }
  CHECK(one.client_bytes() == before);

  std::optional<HubRequest> kept;
  one.network.transport.on_request = [&](const HubAddress&, const HubRequest& request) {
    kept = copy_of(request);
  };
  REQUIRE(one.network.poll(one.client, 0));
  one.network.transport.on_request = nullptr;
  CHECK(one.hub().handle(*kept)->status == 401);

  one.weather().alters_answer = 1;
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const auto reply = one.network.poll(one.client, 0);
    // Only the signature header, which polls do not have, may have been altered.
    if (reply) {
      CHECK(reply->status == 200);
      CHECK(reply->body.text() == "{\"bundles\":[],\"more\":false,\"cursor\":0}");
    } else {
      ++refused;
    }
  }
  CHECK(refused > 5);
}

TEST_CASE("hub link: a registration that is dropped with its link does not keep it alive") {
  std::weak_ptr<HubLink> link;
  {
    OneLink one;
    one.weather().reachable = false;
    one.link().register_now();
    one.network.loop.run_for(seconds(10));
    link = one.client.links().at(0);
    CHECK_FALSE(link.expired());
  }
  CHECK(link.expired());
}

}  // namespace
}  // namespace dske::test
