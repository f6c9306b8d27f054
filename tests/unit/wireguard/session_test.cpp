#include "wireguard/session.h"

#include <doctest/doctest.h>

namespace dske::wireguard {
namespace {

using namespace std::chrono_literals;

// Looks at a peer, at the latest every 5 s; by default a handshake is as old as its device and the clock say.
struct Looks {
  SessionWatch watch;
  WallTime wall{1'000'000s};
  MonotonicTime now{1h};
  PeerObservation peer;
  void pass(Duration time) {
    now += time;
    wall += std::chrono::duration_cast<WallTime::duration>(time);
  }
  void see(std::optional<Duration> age, std::uint64_t sent) {
    peer.last_handshake.reset();
    if (age) peer.last_handshake = wall + 5s - std::chrono::duration_cast<WallTime::duration>(*age);
    look(sent);
  }
  // The same handshake as before.
  void look(std::uint64_t sent) {
    pass(5s);
    peer.sent_bytes = sent;
    watch.see(peer, now, wall);
  }
};

}  // namespace

TEST_CASE("a session is live up to its death at 180 s, and down only if something wants to be sent") {
  Looks looks;
  looks.see(100s, 1000);
  CHECK(looks.watch.state() == Session::live);
  looks.pass(75s);
  looks.look(1000);
  CHECK(looks.watch.state() == Session::live);
  looks.look(1000);
  CHECK(looks.watch.state() == Session::idle);
  looks.look(1148);
  CHECK(looks.watch.state() == Session::idle);
  looks.look(1148);
  CHECK(looks.watch.state() == Session::idle);
  looks.look(1296);
  CHECK(looks.watch.state() == Session::down);
  for (int i = 0; i < 4; ++i) looks.look(1296);
  CHECK(looks.watch.state() == Session::idle);
  looks.see(1s, 1500);
  CHECK(looks.watch.state() == Session::live);
}

TEST_CASE("the right moment for another key is between 10 and 100 s of age, or without a session") {
  CHECK(SessionWatch().is_moment_for_change());
  for (const auto& [age, right] : std::vector<std::pair<Duration, bool>>{
           {5s, false}, {10s, true}, {60s, true}, {100s, true}, {101s, false}, {179s, false}, {181s, true}}) {
    Looks looks;
    looks.see(age, 0);
    CHECK(looks.watch.is_moment_for_change() == right);
  }
}

TEST_CASE("a session that was ended does not count any more, a newer one does") {
  Looks looks;
  looks.see(50s, 0);
  looks.watch.ended(true);
  CHECK(looks.watch.state() == Session::down);
  looks.look(0);
  CHECK(looks.watch.state() == Session::down);
  looks.see(1s, 0);
  CHECK(looks.watch.state() == Session::live);
}

TEST_CASE("a handshake that is no longer known tells of a device that was made anew") {
  Looks looks;
  looks.see(50s, 1000);
  looks.see(std::nullopt, 0);
  CHECK(looks.watch.state() == Session::down);
  looks.see(1s, 100);
  CHECK(looks.watch.state() == Session::live);
}

TEST_CASE("a clock that is set while a session lives does not change its age") {
  for (const Duration jump : {420s, -420s}) {
    Looks looks;
    looks.see(50s, 1000);
    looks.wall += std::chrono::duration_cast<WallTime::duration>(jump);
    looks.look(2000);
    CHECK(looks.watch.age() == 55s);
    CHECK(looks.watch.state() == Session::live);
    CHECK(looks.watch.is_moment_for_change());
    looks.see(2s, 3000);
    CHECK(looks.watch.age() == 2s);
    CHECK(looks.watch.established() == looks.now - 2s);
  }
}

TEST_CASE("a handshake has come since the last look, whatever the clock says") {
  Looks looks;
  looks.see(50s, 1000);
  looks.see(420s, 2000);
  CHECK(looks.watch.age() == 5s);
  looks.see(-420s, 3000);
  CHECK(looks.watch.age() == 0s);
}

}  // namespace dske::wireguard
