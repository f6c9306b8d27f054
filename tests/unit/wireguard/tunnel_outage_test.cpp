// Whole tunnels in simulated time while a KME has no keys, or the adapters do not reach each other.
#include <doctest/doctest.h>

#include "simulated_tunnel.h"

namespace dske::wireguard::test {

TEST_CASE("when keys stop coming the key stays, and the gate shuts when it is too old") {
  World world;
  for (End& end : world.ends) end.timings.key_age_most = 20min;
  bring_up(world);
  world.generator().kme_up = false;
  world.loop.run_for(19min);
  CHECK(world.up());
  CHECK(world.lost == 0);
  CHECK_FALSE(world.generator().peer->report().last_error.empty());
  world.loop.run_for(2min);
  CHECK_FALSE(world.session_age());
  CHECK_FALSE(world.generator().tunnel->active());
  CHECK_FALSE(world.recoverer().tunnel->active());
  world.generator().kme_up = true;
  world.generator().peer->wake();
  CHECK(world.up_within(3s));
  CHECK(world.generator().peer->report().last_error.empty());
}

TEST_CASE("ends that miss each other are brought together also while a KME has no keys") {
  for (const std::size_t which : {0U, 1U}) {
    CAPTURE(which);
    World world(31);
    bring_up(world);
    world.ends[which].kme_up = false;
    world.traffic = false;
    world.loop.run_for(6min);
    const Bytes key = world.ends[0].psk;
    CHECK_FALSE(world.session_age());
    world.traffic = true;
    CHECK(world.loop.run_until([&] { return world.session_age().has_value(); }, 40s));
    CHECK(world.ends[0].psk == key);
    world.ends[which].kme_up = true;
    CHECK(world.loop.run_until([&] { return world.up() && world.ends[0].psk != key; }, 4min));
  }
}

TEST_CASE("the adapters' way to each other may be broken for long") {
  World world(15);
  bring_up(world);
  world.channel_up = false;
  world.loop.run_for(30min);
  CHECK(world.up());
  CHECK(world.lost == 0);
  const int taken = world.keys_taken;
  world.loop.run_for(10min);
  CHECK(world.keys_taken == taken);  // none is spent that nobody can be told of
  CHECK_FALSE(world.generator().peer->report().adapter_reachable);
  const Bytes old = world.ends[0].psk;
  world.channel_up = true;
  CHECK(world.loop.run_until([&] { return world.up() && world.ends[0].psk != old; }, 2min));
  CHECK(world.lost == 0);
}

TEST_CASE("a key that the other KME does not deliver is offered again, and no other is spent") {
  World world(16);
  bring_up(world);
  const int taken = world.keys_taken;
  world.recoverer().kme_up = false;
  world.loop.run_for(8min);
  CHECK(world.keys_taken == taken + 1);
  CHECK(world.lost == 0);
  CHECK(world.generator().peer->report().last_error.find("no_key") != std::string::npos);
  const Bytes old = world.ends[0].psk;
  world.recoverer().kme_up = true;
  CHECK(world.loop.run_until([&] { return world.up() && world.ends[0].psk != old; }, 15s));
  CHECK(world.keys_taken == taken + 1);
}

TEST_CASE("a recoverer that hears that its KME is back does not wait for the next offer") {
  World world(17);
  bring_up(world);
  world.recoverer().kme_up = false;
  REQUIRE(world.loop.run_until(
      [&] { return world.generator().peer->report().last_error.find("no_key") != std::string::npos; }, 5min));
  const Bytes old = world.ends[0].psk;
  world.recoverer().kme_up = true;
  world.recoverer().peer->wake();
  CHECK(world.loop.run_until([&] { return world.up() && world.ends[0].psk != old; }, 500ms));
  CHECK(world.lost == 0);
}

TEST_CASE("a recoverer that is started again between taking a key and confirming it asks for another one") {
  for (const Duration life : {22ms, 26ms, 27ms, 28ms, 30ms, 40ms}) {
    CAPTURE(life.count());
    World world(19);
    bring_up(world);
    world.generator().make_device_anew();
    world.recoverer().loses_confirmations = true;
    const int taken = world.keys_taken;
    REQUIRE(world.loop.run_until([&] { return world.keys_taken > taken; }, 15s));
    world.loop.run_for(life);
    world.recoverer().crash();
    world.recoverer().loses_confirmations = false;
    world.recoverer().start();
    CHECK(world.up_within(15s));
  }
}

TEST_CASE("a recoverer that sets a key which the generator has given up is brought together with it") {
  World world(18);
  bring_up(world);
  world.recoverer().kme_up = false;
  REQUIRE(world.loop.run_until(
      [&] { return world.generator().peer->report().last_error.find("no_key") != std::string::npos; }, 5min));
  world.recoverer().kme_up = true;
  world.recoverer().peer->wake();
  world.loop.run_for(2 * world.delay + 2ms);  // it knows that the generator is there
  world.generator().crash();
  world.loop.run_for(1s);
  CHECK(world.ends[0].psk != world.ends[1].psk);
  world.generator().start();
  CHECK(world.up_within(15s));
  CHECK(world.lost == 0);
}

TEST_CASE("a recoverer that cannot answer sets no key") {
  World world(34);
  bring_up(world);
  world.recoverer().cannot_call = true;
  const Bytes old = world.recoverer().psk;
  world.loop.run_for(10min);
  CHECK(world.recoverer().psk == old);
  CHECK(world.lost == 0);
  world.recoverer().cannot_call = false;
  CHECK(world.loop.run_until([&] { return world.up() && world.ends[0].psk != old; }, 4min));
  CHECK(world.lost == 0);
}

TEST_CASE("a recoverer does not go on with an offer while nobody is there to confirm it to") {
  World world(33);
  bring_up(world);
  world.recoverer().kme_up = false;
  REQUIRE(world.loop.run_until(
      [&] { return world.generator().peer->report().last_error.find("no_key") != std::string::npos; }, 5min));
  world.channel_up = false;
  world.recoverer().kme_up = true;
  world.recoverer().peer->wake();
  world.loop.run_for(10min);
  CHECK(world.ends[0].psk == world.ends[1].psk);
  CHECK(world.lost == 0);
  const Bytes old = world.ends[0].psk;
  world.channel_up = true;
  CHECK(world.loop.run_until([&] { return world.up() && world.ends[0].psk != old; }, 2min));
  CHECK(world.lost == 0);
}

}  // namespace dske::wireguard::test
