// The initiator and the responder in chosen situations; test_relay_scenarios.cpp has the random ones.
#include <doctest/doctest.h>

#include "dske/secret_sharing.h"
#include "dske/secret_tag.h"
#include "rounds.h"
#include "simulated_network.h"

namespace dske::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Relay {
  explicit Relay(std::size_t n = 5, std::size_t k = 3)
      : network(1, n, k), carol(network.add_client("carol")), celia(network.add_client("celia")) {
    network.register_all();
  }
  BundleResult establish() { return network.establish(carol, bundle_request("carol", {"celia"})); }
  Result<FetchedBundle> fetch(const EstablishedBundle& bundle) {
    return network.fetch(celia, bundle.context.name());
  }
  [[nodiscard]] std::size_t holders(const BundleName& bundle) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < network.hub_count(); ++i) count += network.hub(i).shares().count(bundle);
    return count;
  }
  [[nodiscard]] std::size_t stored_shares() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < network.hub_count(); ++i) count += network.hub(i).shares().size();
    return count;
  }

  SimulatedNetwork network;
  SimulatedClient& carol;
  SimulatedClient& celia;
};

bool names(const Error& error, const std::string& text) {
  return error.message.find(text) != std::string::npos;
}

TEST_CASE("relay: no hub is given a key, a share in clear or more than one share") {
  Relay relay;
  std::vector<std::string> bodies;
  relay.network.transport.on_request = [&](const HubAddress&, const HubRequest& request) {
    if (request.method == "POST") bodies.emplace_back(request.body.text());
  };
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  CHECK(bodies.size() == 5);
  std::set<Bytes> shares;
  for (std::size_t i = 0; i < 5; ++i) {
    const auto& share = relay.network.hub(i).shares().at(bundle->context.name());
    CHECK(share.bytes.size() == 32 + bundle->keys.size());
    CHECK(shares.insert(share.bytes).second);
  }
  CHECK(relay.network.record.faults().empty());
}

TEST_CASE("relay: the keys go to the master only when the acknowledgement is durable") {
  Relay relay;
  relay.carol.bundles.disk.delay = seconds(3);
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  CHECK(relay.carol.bundles.acknowledged.contains(bundle->context.id));
  CHECK(relay.carol.bundles.begun.empty());
}

TEST_CASE("relay: a failing store of our own fails the bundle as such, and it is withdrawn") {
  for (const bool at_begin : {true, false}) {
    CAPTURE(at_begin);
    Relay relay;
    const Error full{ErrorKind::io, "disk full"};
    (at_begin ? relay.carol.bundles.begin_failure : relay.carol.bundles.disk.failure) = full;
    const auto bundle = relay.establish();
    REQUIRE_FALSE(bundle);
    CHECK(bundle.error().kind == ErrorKind::io);
    CHECK(names(bundle.error(), "disk full"));
    relay.network.loop.run_for(seconds(5));
    CHECK(relay.stored_shares() == 0);
  }
}

TEST_CASE(
    "relay: too few hubs that take their share fail the bundle, the error names them, and it is withdrawn") {
  Relay relay;
  REQUIRE(relay.network.locate(relay.carol, sae_id("celia")));
  for (std::size_t i = 0; i < 3; ++i) relay.network.hub(i).lie = Lie::refuses_shares;
  const auto bundle = relay.establish();
  REQUIRE_FALSE(bundle);
  CHECK(bundle.error().kind == ErrorKind::unavailable);
  for (const char* hub : {"hub0: answered 503", "hub1: answered 503", "hub2: answered 503"}) {
    CHECK(names(bundle.error(), hub));
  }
  relay.network.loop.run_for(seconds(5));
  CHECK(relay.stored_shares() == 0);
  CHECK(relay.carol.bundles.begun.empty());
}

TEST_CASE("relay: a share whose acknowledgement was lost is withdrawn too") {
  Relay relay;
  REQUIRE(relay.network.locate(relay.carol, sae_id("celia")));
  for (std::size_t i = 0; i < 3; ++i) relay.network.weather(i).loses_answer = 1;
  relay.network.loop.after(seconds(1), [&] {
    for (std::size_t i = 0; i < 3; ++i) relay.network.weather(i).loses_answer = 0;
  });
  const auto bundle = relay.establish();
  REQUIRE_FALSE(bundle);
  CHECK(relay.stored_shares() > 0);
  relay.network.loop.run_for(seconds(20));
  CHECK(relay.stored_shares() == 0);
}

TEST_CASE("relay: a share that arrives after the bundle has failed is withdrawn") {
  Relay relay;
  REQUIRE(relay.network.locate(relay.carol, sae_id("celia")));
  for (std::size_t i = 0; i < 3; ++i) relay.network.hub(i).lie = Lie::refuses_shares;
  relay.network.weather(4).least_delay = relay.network.weather(4).most_delay = milliseconds(500);
  REQUIRE_FALSE(relay.establish());
  relay.network.loop.run_for(milliseconds(600));
  CHECK(relay.stored_shares() == 1);
  relay.network.loop.run_for(seconds(5));
  CHECK(relay.stored_shares() == 0);
}

TEST_CASE("relay: bundles that an earlier run began and never acknowledged are withdrawn, others are not") {
  Relay relay;
  const auto kept = relay.establish();
  REQUIRE(kept);
  relay.carol.bundles.disk.delay = seconds(1);
  relay.carol.initiator().establish(bundle_request("carol", {"celia"}), [](const BundleResult&) {});
  REQUIRE(relay.network.loop.run_until([&] { return relay.carol.bundles.begun.size() == 1; }, seconds(5)));
  CHECK(relay.stored_shares() == 10);
  relay.carol.restart();
  relay.carol.bundles.disk.delay = {};
  relay.carol.register_everywhere();
  for (const auto& [id, hubs] : std::map(relay.carol.bundles.begun))
    relay.carol.initiator().withdraw(id, hubs);
  relay.network.loop.run_for(seconds(10));
  CHECK(relay.holders(kept->context.name()) == 5);
  CHECK(relay.stored_shares() == 5);
  CHECK(relay.carol.bundles.begun.empty());
  CHECK(relay.network.record.faults().empty());
}

TEST_CASE("relay: a hub that has restarted gets its share after the link has registered again") {
  Relay relay;
  REQUIRE(relay.network.locate(relay.carol, sae_id("celia")));
  relay.network.loop.run_for(seconds(5));
  relay.network.hub(1).restart();
  relay.network.hub(3).restart();
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  CHECK(relay.holders(bundle->context.name()) == 5);
  relay.network.loop.run_for(seconds(5));
  for (std::size_t i = 0; i < 5; ++i) relay.network.hub(i).restart();
  CHECK(relay.fetch(*bundle));
  CHECK(relay.network.record.faults().empty());
}

TEST_CASE("relay: a hub that goes after its location was remembered costs no request") {
  Relay relay(4, 3);
  relay.network.weather(3).reachable = false;
  relay.carol.link(3).call("GET", "/sae/carol", {}, [](const Result<HubReply>&) {});
  relay.network.loop.run_for(seconds(1));
  REQUIRE(relay.establish());
  // Hub 3 is back and hub 0 is gone: what was remembered names too few.
  relay.network.weather(3).reachable = true;
  relay.network.loop.run_for(seconds(10));
  relay.network.weather(0).reachable = false;
  relay.carol.link(0).call("GET", "/sae/carol", {}, [](const Result<HubReply>&) {});
  relay.network.loop.run_for(seconds(1));
  const auto bundle = relay.establish();
  REQUIRE_MESSAGE(bundle.has_value(), bundle.error().message);
  CHECK(relay.fetch(*bundle));
}

TEST_CASE("relay: a hub with smaller limits is left out, and named if it is missed") {
  Relay relay(3, 2);
  relay.network.hub(0).lie = Lie::tiny_limits;
  relay.carol.link(0).register_now();
  relay.network.loop.run_for(seconds(1));
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  CHECK(bundle->context.hubs.size() == 2);
  relay.network.hub(1).lie = Lie::tiny_limits;
  relay.carol.link(1).register_now();
  relay.network.loop.run_for(seconds(1));
  const auto none = relay.establish();
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::invalid);
  CHECK(names(none.error(), "hub0: takes shares of at most 1 bytes"));
}

TEST_CASE("relay: what cannot be a bundle is refused before anything is sent") {
  Relay relay;
  BundleRequest request = bundle_request("carol", {});
  CHECK(relay.network.establish(relay.carol, request).error().kind == ErrorKind::invalid);
  request = bundle_request("carol", {"celia"});
  request.key_count = 0;
  CHECK(relay.network.establish(relay.carol, request).error().kind == ErrorKind::invalid);
  request = bundle_request("carol", {"celia", "celia"});
  CHECK(relay.network.establish(relay.carol, request).error().kind == ErrorKind::invalid);
  request = bundle_request("carol", {"celia"});
  request.lifetime = seconds(0);
  CHECK(relay.network.establish(relay.carol, request).error().kind == ErrorKind::invalid);
  request.lifetime = seconds(604801);
  CHECK(relay.network.establish(relay.carol, request).error().kind == ErrorKind::invalid);
  CHECK(relay.network.establish(relay.carol, bundle_request("carol", {"nobody"})).error().kind ==
        ErrorKind::not_found);
  CHECK(relay.stored_shares() == 0);
}

TEST_CASE("relay: exhausted PSRD is told as such") {
  Relay relay(2, 2);
  BundleRequest request = bundle_request("carol", {"celia"});
  request.key_count = 400;
  const auto bundle = relay.network.establish(relay.carol, request);
  REQUIRE_FALSE(bundle);
  CHECK(bundle.error().kind == ErrorKind::exhausted);
  CHECK(names(bundle.error(), "hub1: PSRD is used up"));
}

TEST_CASE(
    "relay: several slaves of several clients get the same keys, and the hubs forget when all have "
    "confirmed") {
  Relay relay;
  SimulatedClient& dave = relay.network.add_client("dave");
  relay.network.register_all();
  const auto bundle = relay.network.establish(relay.carol, bundle_request("carol", {"celia", "dave"}));
  REQUIRE(bundle);
  for (SimulatedClient* client : {&relay.celia, &dave}) {
    CHECK(relay.holders(bundle->context.name()) == 5);
    const auto fetched = relay.network.fetch(*client, bundle->context.name());
    REQUIRE(fetched);
    CHECK(constant_time_equal(fetched->keys.view(), bundle->keys.view()));
    client->responder().confirm({fetched->context});
    relay.network.loop.run_for(seconds(1));
  }
  CHECK(relay.stored_shares() == 0);
  CHECK(relay.network.record.faults().empty());
}

TEST_CASE("relay: who is not named in a bundle does not get it") {
  Relay relay;
  SimulatedClient& mallory = relay.network.add_client("mallory");
  relay.network.register_all();
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  CHECK(relay.network.fetch(mallory, bundle->context.name()).error().kind == ErrorKind::not_found);
}

TEST_CASE("relay: a fetch may be repeated until it is confirmed") {
  Relay relay;
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  for (int i = 0; i < 3; ++i) {
    const auto fetched = relay.fetch(*bundle);
    REQUIRE(fetched);
    CHECK(constant_time_equal(fetched->keys.view(), bundle->keys.view()));
  }
  relay.celia.restart();
  relay.network.register_all();
  REQUIRE(relay.fetch(*bundle));
  relay.celia.responder().confirm({bundle->context});
  relay.network.loop.run_for(seconds(1));
  CHECK(relay.fetch(*bundle).error().kind == ErrorKind::not_found);
  CHECK(relay.network.record.faults().empty());
}

TEST_CASE("relay: with more than n - k wrong shares it fails, names every hub and never yields a wrong key") {
  for (const Lie lie :
       {Lie::corrupt_share, Lie::corrupt_secret_tag, Lie::other_hub_order, Lie::other_slave}) {
    Relay relay;
    const auto bundle = relay.establish();
    REQUIRE(bundle);
    for (std::size_t i = 0; i < 3; ++i) relay.network.hub(i).lie = lie;
    const auto fetched = relay.fetch(*bundle);
    REQUIRE_FALSE(fetched);
    CHECK((fetched.error().kind == ErrorKind::corrupt || fetched.error().kind == ErrorKind::unavailable));
    for (const char* hub : {"hub0: ", "hub1: ", "hub2: ", "hub3: ", "hub4: "})
      CHECK(names(fetched.error(), hub));
  }
}

TEST_CASE("relay: too few hubs that answer are named with their causes") {
  Relay relay;
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  relay.network.hub(0).lie = Lie::fails;
  relay.network.hub(1).lie = Lie::denies;
  relay.network.hub(2).lie = Lie::silent;
  const auto fetched = relay.fetch(*bundle);
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().kind == ErrorKind::unavailable);
  CHECK(names(fetched.error(), "hub0: answered 500"));
  CHECK(names(fetched.error(), "hub1: has no such bundle"));
  CHECK(names(fetched.error(), "hub2: no answer in time"));
}

TEST_CASE("relay: a hub whose wrong share comes last is named all the same") {
  Relay relay;
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  relay.network.hub(2).lie = Lie::corrupt_share;
  relay.network.weather(2).least_delay = relay.network.weather(2).most_delay = milliseconds(400);
  REQUIRE(relay.fetch(*bundle));
  CHECK(relay.celia.link(2).wrong_shares() == 0);
  relay.network.loop.run_for(seconds(3));
  CHECK(relay.celia.link(2).wrong_shares() == 1);
}

TEST_CASE("relay: hubs that exchange their shares are found out") {
  Relay relay;
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  std::swap(relay.network.hub(0).shares().at(bundle->context.name()).bytes,
            relay.network.hub(1).shares().at(bundle->context.name()).bytes);
  const auto fetched = relay.fetch(*bundle);
  REQUIRE(fetched);
  CHECK(constant_time_equal(fetched->keys.view(), bundle->keys.view()));
  relay.network.loop.run_for(seconds(3));
  CHECK(relay.celia.link(0).wrong_shares() == 1);
  CHECK(relay.celia.link(1).wrong_shares() == 1);
  CHECK(relay.celia.link(2).wrong_shares() == 0);
}

TEST_CASE("relay: fewer than k hubs cannot pass a bundle of their own off, not even with a smaller k") {
  Relay relay;
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  // Two hubs make a bundle of the same name that any two shares rebuild, with a tag that verifies.
  BundleContext context = bundle->context;
  context.shares_required = 2;
  const SecretBytes secret = relay.network.randomness.bytes(context.share_bytes());
  const auto shares = split(secret.view(), 2, 5, relay.network.randomness);
  const SecretTag tag = secret_tag(secret.view().first(32), context.encode(), secret.view().subspan(32));
  for (std::size_t i = 0; i < 2; ++i) {
    auto& share = relay.network.hub(i).shares().at(bundle->context.name());
    share.context = context;
    share.tag = tag;
    share.bytes.assign((*shares)[i].view().begin(), (*shares)[i].view().end());
    relay.network.weather(i).most_delay = relay.network.weather(i).least_delay;
  }
  const auto fetched = relay.fetch(*bundle);
  REQUIRE(fetched);
  CHECK(constant_time_equal(fetched->keys.view(), bundle->keys.view()));
}

TEST_CASE(
    "relay: a bundle of fewer shares than this client accepts is refused, and no hub is blamed for it") {
  Relay relay(5, 2);
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  const Responder::Settings strict{relay.celia.name(), 3, milliseconds(5000), std::chrono::hours(168)};
  Responder responder(strict, relay.celia.links(), relay.network.loop, relay.network.clock);
  std::optional<Result<FetchedBundle>> fetched;
  responder.fetch(bundle->context.name(), [&](Result<FetchedBundle> result) { fetched = std::move(result); });
  relay.network.loop.run_for(seconds(6));
  REQUIRE(fetched);
  REQUIRE_FALSE(*fetched);
  CHECK(names(fetched->error(), "hub4: a context that 2 shares would rebuild"));
  for (const auto& link : relay.celia.links()) CHECK(link->wrong_shares() == 0);
}

TEST_CASE("relay: as long as one of the k tells the truth a bundle is not called expired before its time") {
  Relay relay;
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  relay.network.hub(0).lie = relay.network.hub(1).lie = Lie::short_lifetime;
  const auto fetched = relay.fetch(*bundle);
  REQUIRE(fetched);
  CHECK(fetched->expires - relay.network.clock.now() > std::chrono::hours(23));
}

TEST_CASE(
    "relay: over a network that loses, repeats, alters and forges, no key is wrong and no byte is used "
    "twice") {
  int fetched_bundles = 0;
  for (std::uint32_t seed = 1; seed <= rounds(60); ++seed) {
    CAPTURE(seed);
    SimulatedNetwork network(seed, 4, 2);
    network.half_bytes = 65536;
    SimulatedClient& carol = network.add_client("carol");
    SimulatedClient& celia = network.add_client("celia");
    network.register_all();
    for (std::size_t i = 0; i < 4; ++i) {
      Weather& weather = network.weather(i);
      weather.alters_request = weather.alters_answer = weather.replays_answer = 0.05;
      weather.loses_answer = weather.loses_request = weather.repeats_request = 0.05;
      weather.refuses = weather.reflects_request = 0.03;
    }
    for (int i = 0; i < 6; ++i) {
      if (i == 3) network.hub(network.randomness.below(4)).restart();
      const auto bundle = network.establish(carol, bundle_request("carol", {"celia"}));
      if (bundle) {
        const auto fetched = network.fetch(celia, bundle->context.name());
        if (fetched) {
          ++fetched_bundles;
          CHECK(constant_time_equal(fetched->keys.view(), bundle->keys.view()));
        }
      }
      network.loop.run_for(seconds(3));
    }
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(celia.link(i).wrong_shares() == 0);
    }
    CHECK(network.record.faults() == std::vector<std::string>());
  }
  CHECK(fetched_bundles > static_cast<int>(rounds(60) * 5 / 2));
}

}  // namespace
}  // namespace dske::test
