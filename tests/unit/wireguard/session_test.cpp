#include "wireguard/session.h"

#include <doctest/doctest.h>

namespace dske::wireguard {
namespace {

using namespace std::chrono_literals;

struct Looks {
  SessionWatch watch;
  WallTime wall{1'000'000s};
  MonotonicTime now{1h};
  void see(std::optional<Duration> age, std::uint64_t sent) {
    PeerObservation peer;
    peer.sent_bytes = sent;
    if (age) peer.last_handshake = wall - std::chrono::duration_cast<WallTime::duration>(*age);
    now += 5s;
    watch.see(peer, now, wall);
  }
};

}  // namespace

TEST_CASE("a session is live up to its death at 180 s, and down only if something wants to be sent") {
  Looks looks;
  looks.see(100s, 1000);
  CHECK(looks.watch.state() == Session::live);
  looks.see(181s, 1000);
  CHECK(looks.watch.state() == Session::idle);
  looks.see(186s, 1148);
  CHECK(looks.watch.state() == Session::idle);
  looks.see(191s, 1148);
  CHECK(looks.watch.state() == Session::idle);
  looks.see(196s, 1296);
  CHECK(looks.watch.state() == Session::down);
  for (int i = 0; i < 4; ++i) looks.see(200s, 1296);
  CHECK(looks.watch.state() == Session::idle);
  looks.see(1s, 1500);
  CHECK(looks.watch.state() == Session::live);
}

TEST_CASE("the right moment for another key is between 10 and 100 s of age, or without a session") {
  Looks looks;
  CHECK(looks.watch.is_moment_for_change());
  for (const auto& [age, right] : std::vector<std::pair<Duration, bool>>{
           {5s, false}, {10s, true}, {60s, true}, {100s, true}, {101s, false}, {179s, false}, {181s, true}}) {
    looks.see(age, 0);
    CHECK(looks.watch.is_moment_for_change() == right);
  }
}

TEST_CASE("a session that was ended does not count any more, a newer one does") {
  Looks looks;
  looks.see(50s, 0);
  looks.watch.ended(true);
  CHECK(looks.watch.state() == Session::down);
  looks.see(50s, 0);
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

}  // namespace dske::wireguard
