// Links whose two ends do not hold the same any more: a client that leaves, a hub that lost its store, blocks
// that were revoked.
#include <doctest/doctest.h>

#include "simulated_network.h"

namespace dske::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using State = HubLink::State;

struct OneLink {
  OneLink() : network(11, 1, 2), client(network.add_client("carol")) { network.register_all(); }

  HubLink& link() { return client.link(0); }
  SimulatedHub& hub() { return network.hub(0); }
  Weather& weather() { return network.weather(0); }
  Result<HubReply> call() { return network.call(client, 0, "GET", "/sae/carol"); }
  void restart_hub_and_call() {
    hub().restart();
    (void)call();
  }
  /// What the link answered; nothing if that has not come.
  std::optional<Result<void>> leave(HubLink::Leaving how, seconds time = seconds(10)) {
    std::optional<Result<void>> result;
    link().leave(how, [&](Result<void> left) { result = std::move(left); });
    network.loop.run_for(time);
    return result;
  }
  void check_record() const { CHECK(network.record.faults() == std::vector<std::string>()); }

  SimulatedNetwork network;
  SimulatedClient& client;
};

TEST_CASE("leaving: a hub that wipes confirms it with bytes that are wiped then") {
  OneLink one;
  const auto left = one.leave(HubLink::Leaving::wipe_psrd);
  REQUIRE(left);
  CHECK(*left);
  CHECK(one.link().state() == State::set_aside);
  CHECK(one.hub().pool(one.client.name()).blocks().empty());
  CHECK_FALSE(one.call());
  one.network.loop.run_for(hours(2));
  CHECK(one.hub().refused == 0);
  one.check_record();
}

TEST_CASE("leaving: with the PSRD kept the client may come back, and others hear of both") {
  OneLink one;
  SimulatedClient& celia = one.network.add_client("celia");
  one.network.register_all();
  const auto registered = [&] {
    const auto reply = one.network.call(celia, 0, "GET", "/sae/carol");
    REQUIRE(reply);
    return reply->body.text().find("\"registered\":true") != std::string_view::npos;
  };
  CHECK(registered());
  REQUIRE(one.leave(HubLink::Leaving::keep_psrd).value());
  CHECK_FALSE(registered());
  one.network.loop.run_for(hours(2));
  CHECK_FALSE(registered());
  CHECK(one.link().pool().blocks().size() == 1);
  one.link().resume();
  one.network.loop.run_for(seconds(5));
  CHECK(one.link().registered());
  CHECK(registered());
  CHECK(one.call());
  one.check_record();
}

TEST_CASE("leaving: a hub that does not confirm leaves everything as it was") {
  OneLink one;
  one.weather().loses_request = 1;
  const auto left = one.leave(HubLink::Leaving::wipe_psrd);
  REQUIRE(left);
  CHECK_FALSE(*left);
  CHECK(one.link().state() != State::set_aside);
  one.weather().loses_request = 0;
  one.network.loop.run_for(seconds(10));
  CHECK(one.link().registered());
  CHECK(one.link().pool().blocks().size() == 1);
  CHECK(one.call());
}

TEST_CASE("leaving: a forged confirmation is none") {
  for (double Weather::*trouble : {&Weather::reflects_request, &Weather::refuses}) {
    OneLink one;
    REQUIRE(one.call());
    one.weather().*trouble = 1;
    const auto left = one.leave(HubLink::Leaving::wipe_psrd);
    REQUIRE(left);
    CHECK_FALSE(*left);
    CHECK(one.link().state() != State::set_aside);
    CHECK(one.link().pool().blocks().size() == 1);
  }
}

TEST_CASE("leaving: a hub that has restarted is left after the link has registered again") {
  OneLink one;
  one.network.loop.run_for(seconds(5));
  one.hub().restart();
  REQUIRE(one.leave(HubLink::Leaving::wipe_psrd).value());
  CHECK(one.hub().pool(one.client.name()).blocks().empty());
  one.check_record();
}

TEST_CASE("setting aside: who waits for a registration is not forgotten, and no call is made any more") {
  OneLink one;
  one.weather().reachable = false;
  one.hub().restart();
  (void)one.call();
  bool told = false;
  one.link().after_registration([&] { told = true; });
  one.link().set_aside();
  one.network.loop.run_for(seconds(1));
  CHECK(told);
  const std::size_t sent = one.network.transport.sent(one.hub().id());
  one.weather().reachable = true;
  one.link().register_now();
  one.network.loop.run_for(hours(2));
  CHECK(one.network.transport.sent(one.hub().id()) == sent);
  CHECK(one.link().state() == State::set_aside);
}

TEST_CASE("setting aside: in the middle of a registration it ends well, and it can be taken up again") {
  for (int microseconds = 0; microseconds < 6000; microseconds += 150) {
    CAPTURE(microseconds);
    OneLink one;
    one.link().register_now();
    one.network.loop.run_for(std::chrono::microseconds(microseconds));
    one.link().set_aside();
    if (microseconds % 300 == 0) one.network.loop.run_for(seconds(3));
    one.link().resume();
    one.network.loop.run_for(seconds(10));
    CHECK(one.link().registered());
    CHECK(one.call());
    one.check_record();
  }
}

TEST_CASE("a revoked block is dropped when the hub, verified, says not to know it") {
  OneLink one;
  const BlockId first = one.link().pool().blocks().at(0);
  const BlockId second = one.network.add_block(one.client, 0, 8192);
  one.link().psrd_added();
  one.network.loop.run_for(seconds(1));
  one.hub().revoke(one.client.name(), second);
  one.link().register_now();
  one.network.loop.run_for(seconds(1));
  CHECK(one.link().registered());
  CHECK(one.link().pool().blocks() == std::vector<BlockId>{first});
  CHECK(one.client.gone_blocks == std::vector<BlockId>{second});
  CHECK(one.link().unknown_blocks() == 1);
  CHECK(one.hub().pool(one.client.name()).blocks() == std::vector<BlockId>{first});
}

TEST_CASE("a hub with an empty store: nothing is dropped, it is told, and new PSRD works at once") {
  OneLink one;
  const BlockId lost = one.link().pool().blocks().at(0);
  one.network.loop.run_for(seconds(5));
  one.hub().lose_store(false);
  (void)one.call();
  one.network.loop.run_for(minutes(5));
  CHECK(one.link().state() == State::refused);
  CHECK(one.link().refusals() >= 3);
  CHECK(one.link().pool().blocks() == std::vector<BlockId>{lost});
  CHECK(one.client.gone_blocks.empty());

  const BlockId fresh = one.network.add_block(one.client, 0, 8192);
  one.link().psrd_added();
  one.network.loop.run_for(seconds(1));
  CHECK(one.link().registered());
  CHECK(one.link().refusals() == 0);
  CHECK(one.link().pool().blocks() == std::vector<BlockId>{fresh});
  CHECK(one.client.gone_blocks == std::vector<BlockId>{lost});
  CHECK(one.call());
  one.check_record();
}

TEST_CASE("a hub made anew under the same name verifies nothing, and costs little") {
  OneLink one;
  one.network.loop.run_for(seconds(5));
  one.hub().lose_store(true);
  (void)one.call();
  const std::uint64_t before = one.link().pool().levels().client_authenticator.left_bytes;
  one.network.loop.run_for(hours(12));
  CHECK(one.link().state() == State::refused);
  CHECK(one.link().pool().blocks().size() == 1);
  // One registration of 64 bytes an hour, after a dozen sooner ones.
  CHECK(before - one.link().pool().levels().client_authenticator.left_bytes <= 64 * (12 + 13));
}

TEST_CASE("whoever answers 401 in the hub's place makes a client drop nothing, and ends with them") {
  OneLink one;
  one.network.loop.run_for(seconds(5));
  one.weather().refuses = 1;
  (void)one.call();
  one.network.loop.run_for(minutes(30));
  CHECK(one.link().state() == State::refused);
  CHECK(one.link().pool().blocks().size() == 1);
  CHECK(one.client.gone_blocks.empty());
  one.weather().refuses = 0;
  one.network.loop.run_for(minutes(61));
  CHECK(one.link().registered());
  CHECK(one.call());
  one.check_record();
}

TEST_CASE("a client with an empty store begins again with a new block, and the hub wipes the old one") {
  OneLink one;
  one.link().pool().remove_block(one.link().pool().blocks().at(0));
  const BlockId fresh = one.network.add_block(one.client, 0, 8192);
  one.client.registrations.numbers[one.hub().id()] = 1000000;  // as the milliseconds since 1970 would be
  one.link().psrd_added();
  one.network.loop.run_for(seconds(1));
  CHECK(one.link().registered());
  CHECK(one.link().pool().blocks() == std::vector<BlockId>{fresh});
  CHECK(one.hub().pool(one.client.name()).blocks() == std::vector<BlockId>{fresh});
  CHECK(one.call());
}

}  // namespace
}  // namespace dske::test
