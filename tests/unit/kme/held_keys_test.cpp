#include "kme/held_keys.h"

#include <doctest/doctest.h>

#include "dske/simulated_loop.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::client;
using store::test::context;
using store::test::sae;

constexpr std::chrono::hours kLifetime{24};

// The KME of celia, who is a slave SAE of every bundle that context() makes.
struct Celia {
  test::SimulatedClock clock;
  HeldKeys held{client("celia"), {sae("celia")}, clock};

  BundleName hold(BundleContext bundle) {
    const BundleName name = bundle.name();
    SecretBytes keys(std::size_t{bundle.key_count} * bundle.key_size_bytes);
    held.hold(std::move(bundle), std::move(keys), clock.now() + kLifetime, {});
    return name;
  }
  HeldKeys::Bundle& find(const BundleName& name, const SaeId& master) {
    HeldKeys::Bundle* found = held.find(name.id, master);
    REQUIRE(found != nullptr);
    return *found;
  }
};

TEST_CASE("a held bundle is found by its id, and nothing else is") {
  Celia celia;
  const BundleName name = celia.hold(context(client("carol")));
  CHECK(celia.held.find(name.id, sae("carol")) != nullptr);
  CHECK(celia.held.find(store::test::random_bundle(), sae("carol")) == nullptr);
  CHECK(celia.held.holds(name));
  CHECK(celia.held.size() == 1);
}

TEST_CASE("of two initiators' bundles with one id, each master's own is found") {
  Celia celia;
  BundleContext of_carol = context(client("carol"));
  BundleContext of_mallory = context(client("mallory"));
  of_mallory.id = of_carol.id;
  of_mallory.master = sae("mallory");
  celia.hold(of_mallory);
  celia.hold(of_carol);
  CHECK(celia.find(of_carol.name(), sae("carol")).context.initiator == client("carol"));
  CHECK(celia.find(of_carol.name(), sae("mallory")).context.initiator == client("mallory"));
  celia.held.remove(of_mallory.name());
  CHECK(celia.held.holds(of_carol.name()));
  CHECK(celia.find(of_carol.name(), sae("carol")).context.initiator == client("carol"));
}

TEST_CASE("a bundle whose lifetime is over is not found, though it is still there to be removed") {
  Celia celia;
  const BundleName name = celia.hold(context(client("carol")));
  celia.clock.set(celia.clock.now() + kLifetime - std::chrono::seconds(1));
  CHECK(celia.held.find(name.id, sae("carol")) != nullptr);
  celia.clock.set(celia.clock.now() + std::chrono::seconds(1));
  CHECK(celia.held.find(name.id, sae("carol")) == nullptr);
  CHECK(celia.held.get(name) != nullptr);
  celia.held.remove(name);
  CHECK(celia.held.size() == 0);
}

TEST_CASE("a key is available to an SAE until it is on its way to it") {
  Celia celia;
  const BundleName name = celia.hold(context(client("carol"), 2));
  HeldKeys::Bundle& bundle = celia.find(name, sae("carol"));
  CHECK(HeldKeys::available(bundle, sae("celia"), 0));
  CHECK(HeldKeys::available(bundle, sae("celia"), 1));
  CHECK_FALSE(HeldKeys::available(bundle, sae("celia"), 2));
  HeldKeys::deliver(bundle, sae("celia"), 0);
  CHECK_FALSE(HeldKeys::available(bundle, sae("celia"), 0));
  CHECK(HeldKeys::available(bundle, sae("celia"), 1));
}

TEST_CASE("keys whose answer did not arrive are available again") {
  Celia celia;
  const BundleName name = celia.hold(context(client("carol"), 2));
  HeldKeys::Bundle& bundle = celia.find(name, sae("carol"));
  HeldKeys::deliver(bundle, sae("celia"), 0);
  HeldKeys::deliver(bundle, sae("celia"), 1);
  celia.held.not_delivered(name, sae("celia"), {1});
  CHECK_FALSE(HeldKeys::available(bundle, sae("celia"), 0));
  CHECK(HeldKeys::available(bundle, sae("celia"), 1));
}

TEST_CASE("what the store says was delivered is not available after a restart") {
  Celia celia;
  BundleContext bundle = context(client("carol"), 2);
  const BundleName name = bundle.name();
  celia.held.hold(std::move(bundle), SecretBytes(64), celia.clock.now() + kLifetime, {{sae("celia"), {1}}});
  CHECK(HeldKeys::available(celia.find(name, sae("carol")), sae("celia"), 0));
  CHECK_FALSE(HeldKeys::available(celia.find(name, sae("carol")), sae("celia"), 1));
}

TEST_CASE("a bundle is wiped once every key has reached every local slave, and remembered as finished") {
  Celia celia;
  const BundleName name = celia.hold(context(client("carol"), 2, true));  // frank is another KME's business
  HeldKeys::Bundle& bundle = celia.find(name, sae("carol"));
  HeldKeys::deliver(bundle, sae("celia"), 0);
  celia.held.delivered(name, sae("celia"), {0});
  CHECK(celia.held.holds(name));
  CHECK_FALSE(celia.held.finished(name));
  HeldKeys::deliver(bundle, sae("celia"), 1);
  celia.held.delivered(name, sae("celia"), {1});
  CHECK_FALSE(celia.held.holds(name));
  CHECK(celia.held.finished(name));
  CHECK(celia.held.finished(name.id, sae("carol")));
}

TEST_CASE("a finished bundle does not hide another master's bundle of the same id") {
  Celia celia;
  BundleContext of_mallory = context(client("mallory"));
  of_mallory.master = sae("mallory");
  const BundleName name = celia.hold(std::move(of_mallory));
  HeldKeys::deliver(celia.find(name, sae("mallory")), sae("celia"), 0);
  celia.held.delivered(name, sae("celia"), {0});
  CHECK(celia.held.finished(name.id, sae("mallory")));
  CHECK_FALSE(celia.held.finished(name.id, sae("carol")));
}

TEST_CASE("a bundle stays while a key is on its way, so that a broken connection loses none") {
  Celia celia;
  const BundleName name = celia.hold(context(client("carol"), 2));
  HeldKeys::Bundle& bundle = celia.find(name, sae("carol"));
  HeldKeys::deliver(bundle, sae("celia"), 0);
  HeldKeys::deliver(bundle, sae("celia"), 1);
  celia.held.delivered(name, sae("celia"), {0});
  REQUIRE(celia.held.holds(name));
  celia.held.not_delivered(name, sae("celia"), {1});
  CHECK(HeldKeys::available(celia.find(name, sae("carol")), sae("celia"), 1));
}

TEST_CASE("of finished bundles the latest 16384 are remembered, so that memory has an end") {
  Celia celia;
  std::vector<BundleName> names;
  for (int i = 0; i < 16385; ++i) {
    names.push_back(celia.hold(context(client("carol"))));
    celia.held.delivered(names.back(), sae("celia"), {0});
  }
  CHECK_FALSE(celia.held.finished(names[0]));
  CHECK_FALSE(celia.held.finished(names[0].id, sae("carol")));
  for (const std::size_t i : {std::size_t{1}, std::size_t{16384}}) {
    CHECK(celia.held.finished(names[i]));
    CHECK(celia.held.finished(names[i].id, sae("carol")));
  }
  CHECK(celia.held.size() == 0);
}

TEST_CASE("a finished bundle is remembered as its initiator's, not as another's with the same id") {
  Celia celia;
  BundleContext of_carol = context(client("carol"));
  BundleContext of_mallory = context(client("mallory"));
  of_mallory.id = of_carol.id;
  const BundleName carols = celia.hold(std::move(of_carol));
  const BundleName mallorys = celia.hold(std::move(of_mallory));
  celia.held.delivered(mallorys, sae("celia"), {0});
  CHECK(celia.held.finished(mallorys));
  CHECK_FALSE(celia.held.finished(carols));
  celia.held.delivered(carols, sae("celia"), {0});
  CHECK(celia.held.finished(carols));
}

TEST_CASE("reports on a bundle that is gone change nothing") {
  Celia celia;
  const BundleName name = context(client("carol")).name();
  celia.held.not_delivered(name, sae("celia"), {0});
  celia.held.delivered(name, sae("celia"), {0});
  celia.held.remove(name);
  CHECK(celia.held.size() == 0);
  CHECK_FALSE(celia.held.finished(name));
}

}  // namespace
}  // namespace dske::kme
