#include "wireguard/split_trust.h"

#include <doctest/doctest.h>

#include "simulated_tunnel.h"

namespace dske::wireguard::test {
namespace {

void configure(World& world, const SplitTrust& trust) {
  for (End& end : world.ends) end.trust = trust;
}

}  // namespace

TEST_CASE("the modes say which sources a key must have") {
  const SplitTrust all{Require::all, true, "/file", true};
  CHECK(refusal_of(all, {Source::dske, Source::tls, Source::file}).empty());
  CHECK(refusal_of(all, {Source::dske, Source::tls, Source::file, Source::previous}).empty());
  CHECK_FALSE(refusal_of(all, {Source::dske, Source::tls}).empty());
  CHECK_FALSE(refusal_of(all, {Source::dske, Source::file}).empty());
  CHECK_FALSE(refusal_of(all, {Source::tls, Source::file}).empty());
  const SplitTrust dske{Require::dske, true, "", false};
  CHECK(refusal_of(dske, {Source::dske}).empty());
  CHECK(refusal_of(dske, {Source::dske, Source::tls}).empty());
  CHECK_FALSE(refusal_of(dske, {Source::tls}).empty());
  CHECK_FALSE(refusal_of(dske, {Source::dske, Source::file}).empty());
  CHECK_FALSE(refusal_of(dske, {Source::dske, Source::previous}).empty());
  const SplitTrust any{Require::any, true, "/file", true};
  CHECK(refusal_of(any, {Source::file}).empty());
  CHECK(refusal_of(any, {Source::tls}).empty());
  CHECK_FALSE(refusal_of(any, {Source::previous}).empty());
  CHECK_FALSE(parse_require("some").has_value());
}

TEST_CASE("all sources together, with the ratchet, through restarts") {
  World world(21);
  configure(world, {Require::all, true, "/file", true});
  for (End& end : world.ends) end.file.change("a secret of the post-quantum daemon");
  world.start();
  REQUIRE(world.up_within(3s));
  world.lost = 0;
  for (int i = 0; i < 6; ++i) {
    world.loop.run_for(10min);
    End& end = world.ends[static_cast<std::size_t>(i) % 2];
    end.crash();
    world.loop.run_for(1s);
    end.start();
    const Bytes old = end.psk;
    CHECK(world.loop.run_until([&] { return world.up() && end.psk != old; }, 4min));
  }
  CHECK(world.lost == 0);
}

TEST_CASE("a secret file that changes at different moments at the two ends disturbs nothing") {
  for (const std::size_t first : {0U, 1U}) {
    World world(22);
    configure(world, {Require::all, false, "/file", false});
    for (End& end : world.ends) end.file.change("contents 0");
    world.start();
    REQUIRE(world.up_within(3s));
    world.lost = 0;
    const int taken = world.keys_taken;
    for (int i = 1; i <= 20; ++i) {
      const std::string contents = "contents " + std::to_string(i);
      world.ends[first].file.change(contents);
      world.loop.run_for(15s);
      world.ends[1 - first].file.change(contents);
      world.loop.run_for(110s);
    }
    CHECK(world.lost == 0);
    CHECK(world.up());
    CHECK(world.keys_taken - taken >= 15);
  }
}

TEST_CASE("files that differ: mode all keeps the tunnel shut, mode dske goes on without the file") {
  for (const Require require : {Require::all, Require::dske}) {
    World world(23);
    configure(world, {require, true, "/file", false});
    world.ends[0].file.change("one");
    world.ends[1].file.change("another");
    world.start();
    CHECK(world.up_within(20s) == (require == Require::dske));
    world.ends[1].file.change("one");
    CHECK(world.up_within(15s));
  }
}

TEST_CASE("sources that the other end lost together are done without, at the cost of few keys") {
  World world(26);
  configure(world, {Require::dske, false, "/file", true});
  for (End& end : world.ends) end.file.change("a secret of the post-quantum daemon");
  world.start();
  REQUIRE(world.up_within(3s));
  CHECK(world.recoverer().peer->report().sources == std::vector<Source>{Source::dske, Source::file});
  const int taken = world.keys_taken;
  world.recoverer().crash();
  world.recoverer().make_device_anew();
  world.recoverer().file.now = world.recoverer().file.before = "";
  world.recoverer().start();
  CHECK(world.up_within(20s));
  CHECK(world.keys_taken - taken <= 4);
  for (End& end : world.ends) CHECK(end.peer->report().sources == std::vector<Source>{Source::dske});
  CHECK(world.generator().peer->report().last_error.find("file") != std::string::npos);
  world.recoverer().file.change("a secret of the post-quantum daemon");
  world.loop.run_for(5min);
  for (End& end : world.ends)
    CHECK(end.peer->report().sources == std::vector<Source>{Source::dske, Source::file, Source::previous});
  CHECK(world.generator().peer->report().last_error.empty());
}

TEST_CASE("an end that refuses everything does not cost the other one key after the other") {
  for (const Refusal reason : {Refusal::previous, Refusal::tls, Refusal::file, Refusal::no_key,
                               Refusal::key_gone, Refusal::proof, Refusal::policy, Refusal::device}) {
    CAPTURE(name_of(reason));
    World world(27);
    configure(world, {Require::dske, true, "/file", true});
    for (End& end : world.ends) end.file.change("a secret of the post-quantum daemon");
    world.start();
    REQUIRE(world.up_within(3s));
    world.loop.run_for(5min);
    world.recoverer().refuses = reason;
    world.generator().make_device_anew();
    const int taken = world.keys_taken;
    world.loop.run_for(60s);
    CHECK(world.keys_taken - taken <= 15);
  }
}

TEST_CASE("an end that did without what the other one insists on comes back to it") {
  for (const bool is_about_file : {false, true}) {
    CAPTURE(is_about_file);
    World world(35);
    configure(world, {Require::any, true, "", false});
    world.recoverer().trust.require = Require::dske;
    if (is_about_file) {
      world.generator().trust = {Require::dske, false, "/file", false};
      world.recoverer().trust = {Require::all, false, "/file", false};
      for (End& end : world.ends) end.file.change("a secret of the post-quantum daemon");
    }
    world.start();
    REQUIRE(world.up_within(3s));
    world.lost = 0;
    const int taken = world.keys_taken;
    if (is_about_file) {
      world.recoverer().file.now = world.recoverer().file.before = "another secret of its daemon";
    } else {
      world.recoverer().kme_up = false;
    }
    world.loop.run_for(10min);
    CHECK(world.keys_taken - taken <= (is_about_file ? 60 : 5));
    world.recoverer().file.change("a secret of the post-quantum daemon");
    world.recoverer().kme_up = true;
    const Bytes old = world.ends[0].psk;
    CHECK(world.loop.run_until([&] { return world.up() && world.ends[0].psk != old; }, 2min));
    CHECK(world.lost == 0);
  }
}

TEST_CASE("a mode names what it lacks") {
  World world(28);
  configure(world, {Require::all, false, "/file", false});
  world.recoverer().file.change("a secret of the post-quantum daemon");
  world.start();
  world.loop.run_for(20s);
  CHECK_FALSE(world.up());
  const std::string error = world.generator().peer->report().last_error;
  CHECK(error.find("secret_file is required") != std::string::npos);
  CHECK(error.find("no secret file") != std::string::npos);  // as the file says
  CHECK(world.keys_taken == 0);
}

TEST_CASE("without the recoverer's KME alone, mode any goes on with what there is, and says so") {
  World world(29);
  configure(world, {Require::any, true, "", false});
  world.recoverer().kme_up = false;
  world.start();
  CHECK(world.up_within(60s));
  for (End& end : world.ends) CHECK(end.peer->report().sources == std::vector<Source>{Source::tls});
  CHECK(world.generator().peer->report().last_error.find("dske") != std::string::npos);
  world.recoverer().kme_up = true;
  world.loop.run_for(5min);
  for (End& end : world.ends)
    CHECK(end.peer->report().sources == std::vector<Source>{Source::dske, Source::tls});
}

TEST_CASE("without a KME: mode any goes on with what there is, mode dske does not") {
  for (const Require require : {Require::dske, Require::any}) {
    World world(24);
    configure(world, {require, true, "", true});
    for (End& end : world.ends) end.kme_up = false;
    world.start();
    CHECK(world.up_within(60s) == (require == Require::any));
  }
}

TEST_CASE("an end that requires more than the other offers refuses") {
  World world(25);
  configure(world, {Require::all, true, "", false});
  world.generator().trust = {Require::all, false, "", false};
  world.start();
  world.loop.run_for(1min);
  CHECK_FALSE(world.up());
  CHECK(world.generator().peer->report().last_error.find("policy") != std::string::npos);
}

}  // namespace dske::wireguard::test
