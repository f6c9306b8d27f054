// Initiator and responder end to end over simulated hubs, of which some are faulty, in many random scenarios.
#include <algorithm>
#include <numeric>

#include <doctest/doctest.h>

#include "rounds.h"
#include "simulated_network.h"

namespace dske::test {
namespace {

constexpr std::array kLies{
    Lie::corrupt_share,   Lie::corrupt_secret_tag,
    Lie::other_hub_order, Lie::other_k,
    Lie::other_slave,     Lie::more_keys,
    Lie::other_bundle,    Lie::replayed_body,
    Lie::no_json,         Lie::wrong_share_size,
    Lie::short_lifetime,  Lie::long_lifetime,
    Lie::denies,          Lie::fails,
    Lie::refuses_shares,  Lie::claims_saes,
    Lie::tiny_limits,     Lie::unsigned_refusals,
    Lie::silent,          Lie::psrd_for_a_share,
};

// Lies about a share or its context that name the hub, whenever its answer comes.
bool is_named(Lie lie) {
  switch (lie) {
    case Lie::corrupt_share:
    case Lie::corrupt_secret_tag:
    case Lie::other_hub_order:
    case Lie::other_k:
    case Lie::other_slave:
    case Lie::more_keys:
    case Lie::other_bundle:
    case Lie::no_json:
    case Lie::wrong_share_size:
    case Lie::psrd_for_a_share:
      return true;
    default:
      return false;
  }
}

struct Scenario {
  explicit Scenario(std::uint32_t seed) : random(seed) {
    k = 2 + below(3);
    n = k + below(3);
    faulty = below(n - k + 1);
    order.resize(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), random);
  }
  [[nodiscard]] std::size_t below(std::size_t limit) { return random() % limit; }
  [[nodiscard]] Lie any_lie() { return kLies[below(kLies.size())]; }

  std::mt19937 random;
  std::size_t k = 0;
  std::size_t n = 0;
  std::size_t faulty = 0;
  std::vector<std::size_t> order;  // the first `faulty` of these hubs are
};

void make_faulty(SimulatedNetwork& network, std::size_t hub, Lie lie) {
  network.hub(hub).lie = lie;
  network.hub(hub).claimed_client = client_name("mallory");
}

// A faulty hub may have been faulty from the start or turn so between the initiator's calls and the
// responder's.
void run_scenario(std::uint32_t seed) {
  Scenario scenario(seed);
  SimulatedNetwork network(seed, scenario.n, scenario.k);
  if (scenario.below(2) == 0) network.key_source = KeySource::psrd;
  SimulatedClient& carol = network.add_client("carol");
  SimulatedClient& celia = network.add_client("celia");
  network.register_all();

  // A bundle before, so that there is something to replay and to confuse with.
  if (scenario.below(2) == 0) {
    const auto before = network.establish(carol, bundle_request("carol", {"celia"}));
    REQUIRE(before);
    REQUIRE(network.fetch(celia, before->context.name()));
  }
  const bool from_the_start = scenario.below(2) == 0;
  std::vector<Lie> lies;
  for (std::size_t i = 0; i < scenario.faulty; ++i) lies.push_back(scenario.any_lie());
  const auto turn = [&] {
    for (std::size_t i = 0; i < scenario.faulty; ++i) make_faulty(network, scenario.order[i], lies[i]);
  };
  if (from_the_start) turn();
  auto established = network.establish(carol, bundle_request("carol", {"celia"}));
  REQUIRE_MESSAGE(established.has_value(), established.error().message);
  turn();
  // A slow hub's answer comes when the others have sufficed.
  if (scenario.below(3) == 0) {
    Weather& weather = network.weather(scenario.below(scenario.n));
    weather.least_delay = weather.most_delay = std::chrono::milliseconds(300);
  }
  auto fetched = network.fetch(celia, established->context.name());
  REQUIRE_MESSAGE(fetched.has_value(), fetched.error().message);
  CHECK(fetched->context == established->context);
  CHECK(constant_time_equal(fetched->keys.view(), established->keys.view()));
  CHECK(fetched->expires - network.clock.now() > std::chrono::hours(23));

  network.loop.run_for(std::chrono::seconds(8));
  for (std::size_t i = 0; i < scenario.n; ++i) {
    const HubLink& link = celia.link(i);
    const bool holds_it = established->context.x_of(network.hub(i).id()) &&
                          network.hub(i).shares().contains(established->context.name());
    const Lie lie = network.hub(i).lie;
    CAPTURE(i);
    CAPTURE(static_cast<int>(lie));
    if (!is_named(lie)) {
      // A replayed body is a repetition of a share that was taken: it names the hub if there was an earlier
      // one.
      if (lie != Lie::replayed_body) CHECK(link.wrong_shares() == 0);
    } else if (holds_it) {
      CHECK(link.wrong_shares() > 0);
    }
  }
  celia.responder().confirm({fetched->context});
  network.loop.run_for(std::chrono::seconds(5));
  for (std::size_t i = scenario.faulty; i < scenario.n; ++i) {
    CHECK_FALSE(network.hub(scenario.order[i]).shares().contains(established->context.name()));
  }
  CHECK(network.record.faults() == std::vector<std::string>());
}

TEST_CASE(
    "relay: as long as k hubs are honest the responder gets the initiator's keys, whatever the others do") {
  for (std::uint32_t seed = 1; seed <= rounds(600); ++seed) {
    CAPTURE(seed);
    run_scenario(seed);
  }
}

}  // namespace
}  // namespace dske::test
