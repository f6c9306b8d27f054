#include "kme/pending_watch.h"

#include <doctest/doctest.h>

#include "dske/simulated_network.h"

namespace dske::kme {
namespace {

using namespace std::chrono_literals;
using test::bundle_request;
using test::SimulatedNetwork;

// celia asks three hubs, which never let a poll wait, about what carol sends.
struct Celia {
  SimulatedNetwork network{1, 3, 2};
  test::SimulatedClient& carol = network.add_client("carol");
  test::SimulatedClient& celia = network.add_client("celia");
  std::vector<std::shared_ptr<HubLink>> links;
  std::map<HubId, std::vector<BundleName>> listed;
  std::unique_ptr<PendingWatch> watch;

  Celia() {
    network.register_all();
    links = celia.links();
    watch = std::make_unique<PendingWatch>(
        links, network.loop, network.clock,
        [this](const std::shared_ptr<HubLink>& hub, const std::vector<BundleName>& bundles) {
          auto& names = listed[hub->address().id];
          names.insert(names.end(), bundles.begin(), bundles.end());
        });
    watch->start();
  }
  ~Celia() { network.loop.drop_all(); }
  Celia(const Celia&) = delete;
  Celia& operator=(const Celia&) = delete;

  BundleName send_bundle() {
    const BundleResult sent = network.establish(carol, bundle_request("carol", {"celia"}));
    REQUIRE(sent);
    return sent->context.name();
  }
  std::size_t times_listed(std::size_t hub, const BundleName& bundle) {
    const auto& names = listed[network.hub(hub).id()];
    return static_cast<std::size_t>(std::count(names.begin(), names.end(), bundle));
  }
  std::size_t polls_within(std::size_t hub, std::chrono::seconds span) {
    const HubId& id = network.hub(hub).id();
    const std::size_t before = network.transport.sent(id);
    network.loop.run_for(span);
    return network.transport.sent(id) - before;
  }
};

}  // namespace

TEST_CASE("what waits at a hub is told once, and every ten seconds again until it is fetched") {
  Celia kme;
  const BundleName first = kme.send_bundle();
  kme.network.loop.run_for(9s);
  for (std::size_t hub = 0; hub < 3; ++hub) CHECK(kme.times_listed(hub, first) == 1);
  const BundleName second = kme.send_bundle();
  kme.network.loop.run_for(25s);
  for (std::size_t hub = 0; hub < 3; ++hub) {
    CHECK(kme.times_listed(hub, first) >= 3);
    CHECK(kme.times_listed(hub, second) >= 2);
    CHECK(kme.times_listed(hub, second) <= 4);
  }
  kme.network.hub(0).shares().clear();
  const std::size_t then = kme.times_listed(0, first);
  kme.network.loop.run_for(60s);
  CHECK(kme.times_listed(0, first) == then);
}

TEST_CASE("a hub that answers at once with nothing new is asked ever more rarely") {
  Celia kme;
  kme.network.loop.run_for(30s);
  const std::size_t polls = kme.polls_within(0, 100s);
  CHECK(polls >= 10);
  CHECK(polls <= 12);
  // Yet not so rarely that news would wait for long.
  const BundleName bundle = kme.send_bundle();
  kme.network.loop.run_for(11s);
  CHECK(kme.times_listed(0, bundle) >= 1);
}

TEST_CASE("a hub that does not answer disturbs no other, and is asked again once it is back") {
  Celia kme;
  kme.network.weather(1).reachable = false;
  const BundleName bundle = kme.send_bundle();
  kme.network.loop.run_for(30s);
  CHECK(kme.times_listed(0, bundle) >= 1);
  CHECK(kme.times_listed(1, bundle) == 0);
  kme.network.weather(1).reachable = true;
  kme.celia.link(1).register_now();
  kme.carol.link(1).register_now();
  kme.network.loop.run_for(5s);
  const BundleName other = kme.send_bundle();
  kme.network.loop.run_for(15s);
  CHECK(kme.times_listed(1, other) >= 1);
}

TEST_CASE("a registration begins from the beginning, and with it what is asked") {
  Celia kme;
  const BundleName bundle = kme.send_bundle();
  kme.network.loop.run_for(5s);
  REQUIRE(kme.times_listed(2, bundle) == 1);
  kme.network.hub(2).restart();
  kme.celia.link(2).register_now();
  kme.network.loop.run_for(2s);
  CHECK(kme.times_listed(2, bundle) == 2);
}

TEST_CASE("a link that was set aside is asked no more") {
  Celia kme;
  kme.network.loop.run_for(1s);
  kme.links.pop_back();
  kme.network.loop.run_for(3s);
  CHECK(kme.polls_within(2, 60s) == 0);
  CHECK(kme.polls_within(0, 60s) > 0);
}

}  // namespace dske::kme
