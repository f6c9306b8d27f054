// What a request to the initiator can ask beyond one slave and the usual number of hubs.
#include <algorithm>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "dske/secret_sharing.h"
#include "simulated_network.h"

namespace dske::test {
namespace {

using std::chrono::seconds;

constexpr std::size_t kHubs = 5;
constexpr std::size_t kShares = 3;

struct Town {
  Town() {
    for (const char* name : {"carol", "celia", "cindy"}) clients.emplace(name, &network.add_client(name));
  }
  SimulatedClient& client(const std::string& name) { return *clients.at(name); }
  BundleResult establish(BundleRequest request) {
    return network.establish(client("carol"), std::move(request));
  }
  [[nodiscard]] std::size_t stored_shares() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < kHubs; ++i) count += network.hub(i).shares().size();
    return count;
  }
  void refuse_at(std::size_t hubs) {
    for (std::size_t i = 0; i < hubs; ++i) network.hub(i).lie = Lie::refuses_shares;
  }
  // So that the KME is registered with the first `hubs` only.
  void register_at(const std::string& name, std::size_t hubs) {
    for (std::size_t i = 0; i < hubs; ++i) client(name).link(i).register_now();
    network.loop.run_for(seconds(2));
  }

  SimulatedNetwork network{1, kHubs, kShares};
  std::map<std::string, SimulatedClient*> clients;
};

struct RegisteredTown : Town {
  RegisteredTown() { network.register_all(); }
};

bool mentions(const std::vector<HubCause>& causes, const std::string& hub, const std::string& cause) {
  return std::any_of(causes.begin(), causes.end(), [&](const HubCause& each) {
    return each.hub.text() == hub && each.cause.find(cause) != std::string::npos;
  });
}

TEST_CASE("initiator: every slave's client, and the initiator's own, gets the same keys of one bundle") {
  RegisteredTown town;
  const auto bundle = town.establish(bundle_request("carol", {"celia", "cindy"}));
  REQUIRE(bundle);
  CHECK(bundle->hubs == kHubs);
  for (const char* name : {"celia", "cindy"}) {
    const auto fetched = town.network.fetch(town.client(name), bundle->context.name());
    REQUIRE(fetched);
    CHECK(constant_time_equal(fetched->keys.view(), bundle->keys.view()));
  }
  CHECK(town.network.record.faults().empty());
}

TEST_CASE("initiator: exactly the slaves that no hub knows are named, in their order") {
  RegisteredTown town;
  const auto failure = town.establish(bundle_request("carol", {"celia", "zoe", "cindy", "adam"}));
  REQUIRE_FALSE(failure);
  CHECK(failure.error().kind == ErrorKind::not_found);
  CHECK(failure.error().unknown_saes == std::vector<SaeId>{sae_id("zoe"), sae_id("adam")});
  CHECK_FALSE(failure.error().hubs_there.has_value());
  CHECK(town.stored_shares() == 0);
}

TEST_CASE("initiator: a slave that nobody can ask about is not called unknown") {
  RegisteredTown town;
  REQUIRE(town.network.locate(town.client("carol"), sae_id("celia")));
  for (std::size_t i = 0; i < kHubs; ++i) town.network.weather(i).reachable = false;
  const auto failure = town.establish(bundle_request("carol", {"celia", "cindy"}));
  REQUIRE_FALSE(failure);
  CHECK(failure.error().kind == ErrorKind::unavailable);
  CHECK(failure.error().unknown_saes.empty());
}

TEST_CASE(
    "initiator: one slave's client that is short of hubs fails the bundle, and is named with the causes") {
  Town town;
  town.register_at("carol", kHubs);
  town.register_at("celia", kHubs);
  town.register_at("cindy", kShares - 1);
  const auto failure = town.establish(bundle_request("carol", {"celia", "cindy"}));
  REQUIRE_FALSE(failure);
  CHECK(failure.error().kind == ErrorKind::unavailable);
  CHECK(failure.error().message.find("KME cindy") != std::string::npos);
  CHECK(failure.error().hubs_there == kShares - 1);
  CHECK(mentions(failure.error().hubs, "hub4", "the KME cindy is not known to be registered there"));
  CHECK_FALSE(mentions(failure.error().hubs, "hub0", ""));
  CHECK(town.stored_shares() == 0);
  // Without it the others get their keys.
  CHECK(town.establish(bundle_request("carol", {"celia"})));
}

TEST_CASE("initiator: a slave's client with fewer hubs than another's is served from those") {
  Town town;
  town.register_at("carol", kHubs);
  town.register_at("celia", kHubs);
  town.register_at("cindy", kShares);
  const auto bundle = town.establish(bundle_request("carol", {"celia", "cindy"}));
  REQUIRE(bundle);
  CHECK(bundle->context.hubs.size() == kHubs);
  CHECK(bundle->hubs == kShares);
  CHECK(town.network.fetch(town.client("cindy"), bundle->context.name()));
}

TEST_CASE("initiator: with a larger k asked for, no fewer shares rebuild the bundle") {
  RegisteredTown town;
  BundleRequest request = bundle_request("carol", {"celia"});
  request.shares_required = 5;
  const auto bundle = town.establish(request);
  REQUIRE(bundle);
  CHECK(bundle->context.shares_required == 5);
  town.network.weather(0).reachable = false;
  CHECK_FALSE(town.network.fetch(town.client("celia"), bundle->context.name()));
  town.network.weather(0).reachable = true;
  town.network.loop.run_for(seconds(60));
  const auto fetched = town.network.fetch(town.client("celia"), bundle->context.name());
  REQUIRE_MESSAGE(fetched.has_value(), fetched.error().message);
  CHECK(constant_time_equal(fetched->keys.view(), bundle->keys.view()));
}

TEST_CASE("initiator: a smaller k than its own is not what a request can ask for") {
  RegisteredTown town;
  BundleRequest request = bundle_request("carol", {"celia"});
  request.shares_required = 2;
  request.least_hubs = 1;
  const auto bundle = town.establish(request);
  REQUIRE(bundle);
  CHECK(bundle->context.shares_required == kShares);
}

TEST_CASE("initiator: with too few hubs for what is asked nothing is sent, and it says how many there are") {
  RegisteredTown town;
  for (const bool shares : {true, false}) {
    CAPTURE(shares);
    BundleRequest request = bundle_request("carol", {"celia"});
    (shares ? request.shares_required : request.least_hubs) = kHubs + 1;
    const auto failure = town.establish(request);
    REQUIRE_FALSE(failure);
    CHECK(failure.error().kind == ErrorKind::unavailable);
    CHECK(failure.error().hubs_there == kHubs);
    CHECK(town.stored_shares() == 0);
  }
}

TEST_CASE("initiator: asking for too many hubs does not make it ask about the slaves anew") {
  RegisteredTown town;
  REQUIRE(town.network.locate(town.client("carol"), sae_id("celia")));
  std::size_t sent = 0;
  town.network.transport.on_request = [&](const HubAddress&, const HubRequest&) { ++sent; };
  BundleRequest request = bundle_request("carol", {"celia"});
  request.least_hubs = kHubs + 1;
  REQUIRE_FALSE(town.establish(request));
  CHECK(sent == 0);
}

TEST_CASE(
    "initiator: fewer acknowledgements than asked for withdraw the bundle, though they would do for k") {
  RegisteredTown town;
  town.refuse_at(1);
  BundleRequest request = bundle_request("carol", {"celia"});
  const auto usual = town.establish(request);
  REQUIRE(usual);
  CHECK(usual->hubs == kHubs - 1);
  const std::size_t before = town.stored_shares();
  request.least_hubs = kHubs;
  const auto failure = town.establish(request);
  REQUIRE_FALSE(failure);
  CHECK(failure.error().kind == ErrorKind::unavailable);
  CHECK(failure.error().hubs_there == kHubs - 1);
  CHECK(mentions(failure.error().hubs, "hub0", "answered 503"));
  town.network.loop.run_for(seconds(5));
  CHECK(town.stored_shares() == before);
  request.least_hubs = kHubs - 1;
  CHECK(town.establish(request));
}

TEST_CASE("initiator: it waits for as many hubs as asked for, however slow they are") {
  RegisteredTown town;
  REQUIRE(town.network.locate(town.client("carol"), sae_id("celia")));
  Weather& weather = town.network.weather(2);
  weather.least_delay = weather.most_delay = std::chrono::milliseconds(600);
  BundleRequest request = bundle_request("carol", {"celia"});
  CHECK(town.establish(request)->hubs == kHubs - 1);
  request.least_hubs = kHubs;
  CHECK(town.establish(request)->hubs == kHubs);
}

TEST_CASE("initiator: too few hubs that answer are a failure with a cause for each") {
  RegisteredTown town;
  REQUIRE(town.network.locate(town.client("carol"), sae_id("celia")));
  town.refuse_at(kHubs - kShares + 1);
  const auto failure = town.establish(bundle_request("carol", {"celia"}));
  REQUIRE_FALSE(failure);
  CHECK(failure.error().hubs.size() == 3);
  for (const char* hub : {"hub0", "hub1", "hub2"}) CHECK(mentions(failure.error().hubs, hub, "answered 503"));
  CHECK(failure.error().hubs_there == kShares - 1);
}

}  // namespace
}  // namespace dske::test
