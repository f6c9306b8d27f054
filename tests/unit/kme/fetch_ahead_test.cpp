#include "kme/fetch_ahead.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "dske/simulated_loop.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using namespace std::chrono_literals;
using store::test::client;
using store::test::context;
using store::test::random_bundle;
using store::test::random_id;
using store::test::sae;

// celia's KME, registered with five hubs of which three must list a bundle. Fetches are ended by hand.
struct Celia {
  struct Fetch {
    BundleName name;
    BundleFetches::Done done;
  };
  test::SimulatedClock clock;
  test::SimulatedLoop loop{clock, 1};
  HeldKeys held{client("celia"), {sae("celia")}, clock};
  std::vector<HubId> hubs;
  std::set<HubId> registered;
  std::vector<Fetch> running;
  std::size_t started = 0;
  FetchAhead::Settings settings;
  std::unique_ptr<FetchAhead> ahead;

  explicit Celia(FetchAhead::Settings chosen = {}) : settings(chosen) {
    settings.shares_required = 3;
    for (int i = 0; i < 5; ++i) hubs.push_back(random_id<HubId>());
    registered = {hubs.begin(), hubs.end()};
    ahead = std::make_unique<FetchAhead>(
        settings, [this] { return registered; }, held,
        [this](const BundleName& name, BundleFetches::Done done) {
          ++started;
          running.push_back({name, std::move(done)});
        },
        loop, clock);
  }

  void list(std::size_t hub, const std::vector<BundleName>& bundles) {
    ahead->listed(hubs.at(hub), bundles);
    loop.run_for(0s);
  }
  void list_at(const std::vector<std::size_t>& at, const std::vector<BundleName>& bundles) {
    for (const std::size_t hub : at) list(hub, bundles);
  }
  // The fetch that has run the longest ends.
  void end_fetch(const Result<void>& result) {
    REQUIRE_FALSE(running.empty());
    Fetch fetch = std::move(running.front());
    running.erase(running.begin());
    if (result) hold(fetch.name);
    fetch.done(result);
    loop.run_for(0s);
  }
  void hold(const BundleName& name) {
    BundleContext bundle = context(name.initiator);
    bundle.id = name.id;
    held.hold(bundle, SecretBytes(32), clock.now() + 24h, {});
  }
};

BundleName bundle_of(std::string_view initiator) {
  return {client(initiator), random_bundle()};
}

std::vector<BundleName> bundles_of(std::string_view initiator, std::size_t count) {
  std::vector<BundleName> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(bundle_of(initiator));
  return names;
}

const Error kNoSuchBundle{ErrorKind::not_found, "no such bundle"};

TEST_CASE("a bundle is fetched at once when all hubs list it, a moment later when k do, once") {
  Celia celia;
  const BundleName first = bundle_of("carol");
  celia.list_at({0, 1, 2, 3}, {first});
  CHECK(celia.started == 0);
  celia.list(4, {first});
  REQUIRE(celia.started == 1);
  CHECK(celia.running[0].name == first);
  celia.list_at({0, 1, 2, 3, 4}, {first});
  celia.loop.run_for(1h);
  CHECK(celia.started == 1);
  celia.end_fetch({});
  CHECK(celia.ahead->remembered() == 0);

  celia.list_at({4, 1, 2}, {bundle_of("carol")});
  CHECK(celia.started == 1);
  celia.loop.run_for(1s);
  CHECK(celia.started == 2);
}

TEST_CASE("what fewer than k hubs list is not fetched, however often they say it") {
  Celia celia;
  const std::vector<BundleName> invented = bundles_of("carol", 50);
  for (int i = 0; i < 100; ++i) {
    celia.list_at({1, 3, 1, 1}, invented);
    celia.loop.run_for(10s);
  }
  CHECK(celia.started == 0);
}

TEST_CASE("hubs that this KME is not registered with any more do not count") {
  Celia celia;
  const BundleName bundle = bundle_of("carol");
  celia.list_at({0, 1}, {bundle});
  celia.registered.erase(celia.hubs[0]);
  celia.list(2, {bundle});
  celia.loop.run_for(1s);
  CHECK(celia.started == 0);
  celia.list(3, {bundle});
  celia.registered.erase(celia.hubs[1]);  // while it is due
  celia.loop.run_for(1s);
  CHECK(celia.started == 0);
  celia.list(4, {bundle});
  celia.loop.run_for(1s);
  CHECK(celia.started == 1);
}

TEST_CASE("bundles that are held, or were finished, are not fetched") {
  Celia celia;
  const BundleName held = bundle_of("carol");
  celia.hold(held);
  celia.list_at({0, 1, 2, 3, 4}, {held});
  CHECK(celia.started == 0);
  CHECK(celia.ahead->remembered() == 0);
  const BundleName meanwhile = bundle_of("carol");
  celia.list_at({0, 1, 2}, {meanwhile});
  celia.hold(meanwhile);  // an SAE asked for it
  celia.loop.run_for(1s);
  CHECK(celia.started == 0);
  CHECK(celia.ahead->remembered() == 0);
}

TEST_CASE("hubs that invent bundles fill no memory, and push out only what they listed themselves") {
  FetchAhead::Settings settings;
  settings.remembered_most_per_hub = 100;
  Celia celia(settings);
  const BundleName bundle = bundle_of("carol");
  celia.list_at({0, 1}, {bundle});
  for (int i = 0; i < 50; ++i) celia.list_at({3, 4}, bundles_of("mallory", 100));
  CHECK(celia.ahead->remembered() <= 201);
  celia.list(2, {bundle});
  celia.loop.run_for(1s);
  REQUIRE(celia.started == 1);
  CHECK(celia.running[0].name == bundle);
}

TEST_CASE("a listing that was forgotten counts again when the hub repeats it, once") {
  FetchAhead::Settings settings;
  settings.remembered_most_per_hub = 3;
  Celia celia(settings);
  const BundleName bundle = bundle_of("carol");
  for (int i = 0; i < 10; ++i) {
    celia.list(0, {bundle});
    celia.list(0, bundles_of("mallory", 3));
    celia.list(0, {bundle});
  }
  celia.list(1, {bundle});
  celia.loop.run_for(1s);
  CHECK(celia.started == 0);
  celia.list_at({0, 2}, {bundle});
  celia.loop.run_for(1s);
  CHECK(celia.started == 1);
}

TEST_CASE("many bundles are fetched in a bounded stream, the oldest first") {
  FetchAhead::Settings settings;
  settings.fetches_most = 4;
  Celia celia(settings);
  const std::vector<BundleName> names = bundles_of("carol", 100);
  celia.list_at({0, 1, 2, 3, 4}, names);
  CHECK(celia.started == 4);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(celia.running.size() <= 4);
    CHECK(celia.running.front().name == names[i]);
    celia.end_fetch({});
  }
  CHECK(celia.started == 100);
  CHECK(celia.ahead->remembered() == 0);
}

TEST_CASE("a bundle that cannot be fetched is tried ever more rarely while hubs list it, then forgotten") {
  Celia celia;
  const BundleName bundle = bundle_of("carol");
  for (int second = 0; second < 3600; ++second) {
    celia.list_at({0, 1, 2, 3, 4}, {bundle});
    if (!celia.running.empty()) celia.end_fetch(kNoSuchBundle);
    celia.loop.run_for(1s);
  }
  CHECK(celia.started >= 5);
  CHECK(celia.started <= 20);
  celia.loop.run_for(1h);
  CHECK(celia.ahead->remembered() == 0);
  const std::size_t before = celia.started;
  celia.list_at({0, 1, 2, 3, 4}, {bundle});
  celia.end_fetch({});
  CHECK(celia.started == before + 1);
  CHECK(celia.ahead->remembered() == 0);
}

TEST_CASE("of an initiator so much is held ahead and no more, and others are not held back by it") {
  for (const bool by_keys : {true, false}) {
    FetchAhead::Settings settings;
    (by_keys ? settings.keys_most_per_initiator : settings.bytes_most_per_initiator) = by_keys ? 10 : 320;
    settings.fetches_most = 1;
    Celia celia(settings);
    const std::vector<BundleName> many = bundles_of("mallory", 30);
    celia.list_at({0, 1, 2, 3, 4}, many);
    while (!celia.running.empty()) celia.end_fetch({});
    CHECK(celia.held.amount_of(client("mallory")).keys == 10);
    celia.list_at({0, 1, 2, 3, 4}, {bundle_of("carol")});
    CHECK(celia.running.size() == 1);
    celia.end_fetch({});
    // When there is room again they are fetched as they are listed again.
    for (std::size_t i = 0; i < 5; ++i) celia.held.remove(many[i]);
    celia.list_at({0, 1, 2, 3, 4}, {many.begin() + 10, many.end()});
    while (!celia.running.empty()) celia.end_fetch({});
    CHECK(celia.held.amount_of(client("mallory")).keys == 10);
  }
}

}  // namespace
}  // namespace dske::kme
