// One end's key against a device that answers late, or wrongly.
#include "wireguard/tunnel_key.h"

#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/log.h"
#include "simulated_tunnel.h"

namespace dske::wireguard::test {
namespace {

// Does what it is told at once, and says so when the test lets it.
class LateDevice final : public PeerDevice {
 public:
  void set_key(SecretBytes preshared_key, Done done) override {
    if (obeys) key = fingerprint_of(preshared_key.view());
    waiting.push_back(std::move(done));
  }
  void replace(SecretBytes preshared_key, std::optional<std::uint16_t> keepalive_seconds,
               Done done) override {
    ++replaced;
    if (!preshared_key.empty()) key = fingerprint_of(preshared_key.view());
    if (keepalive_seconds) keepalive = *keepalive_seconds;
    handshake.reset();
    waiting.push_back(std::move(done));
  }
  void set_keepalive(std::uint16_t seconds, Done done) override {
    keepalive = seconds;
    waiting.push_back(std::move(done));
  }
  void answer(const Result<void>& result = {}) {
    for (Done& done : std::exchange(waiting, {})) done(result);
  }

  Fingerprint key{};
  std::uint16_t keepalive = 25;
  std::optional<WallTime> handshake;
  bool obeys = true;
  int replaced = 0;
  std::vector<Done> waiting;
};

struct Fixture {
  Fixture() { log::set_level(log::Level::error); }

  void look(TunnelKey& tunnel) {
    tunnel.see(PeerObservation{device.key, device.handshake, 0, true, device.keepalive});
  }
  KeyId apply(TunnelKey& tunnel, bool open = false) {
    const KeyId id = KeyId::random(randomness);
    tunnel.apply(id, {Source::dske}, randomness.bytes(32), open, [](const Result<void>& /*applied*/) {});
    return id;
  }
  TunnelKey make() { return TunnelKey({"peer", false, {}}, {device, record, clock, randomness}); }
  // With a first key.
  KeyId begin(TunnelKey& tunnel) {
    look(tunnel);
    device.answer();
    const KeyId first = apply(tunnel);
    device.answer();
    look(tunnel);
    REQUIRE(tunnel.active() == first);
    return first;
  }

  LateDevice device;
  SimulatedRecord record;
  SimulatedClock clock;
  ReproducibleRandomness randomness{1};
};

const Error kNoAnswer{ErrorKind::io, "the device does not answer in time"};

}  // namespace

TEST_CASE("a key that is set although the device failed to say so is taken for what it is") {
  Fixture fixture;
  TunnelKey tunnel = fixture.make();
  const KeyId first = fixture.begin(tunnel);
  const int replaced = fixture.device.replaced;
  const KeyId second = fixture.apply(tunnel);
  fixture.device.answer(kNoAnswer);
  CHECK(tunnel.active() == first);
  fixture.look(tunnel);
  CHECK(tunnel.active() == second);
  CHECK(tunnel.sources() == std::vector<Source>{Source::dske});
  CHECK(fixture.device.replaced == replaced);
}

TEST_CASE("the key that is set stays known however many others cannot be set") {
  Fixture fixture;
  TunnelKey tunnel = fixture.make();
  const KeyId first = fixture.begin(tunnel);
  fixture.device.obeys = false;
  for (int i = 0; i < 5; ++i) {
    (void)fixture.apply(tunnel);
    fixture.device.answer(kNoAnswer);
  }
  const int replaced = fixture.device.replaced;
  TunnelKey again = fixture.make();
  fixture.look(again);
  CHECK(again.active() == first);
  CHECK(again.sources() == std::vector<Source>{Source::dske});
  CHECK(fixture.device.replaced == replaced);
  CHECK(fixture.record.contents().keys.size() == 3);
}

TEST_CASE("a key that could be set only at the third attempt does not push the next one out of the record") {
  Fixture fixture;
  TunnelKey tunnel = fixture.make();
  fixture.look(tunnel);
  fixture.device.answer();
  const KeyId same = KeyId::random(fixture.randomness);
  const SecretBytes key = fixture.randomness.bytes(32);
  for (const Result<void>& answer : {Result<void>(kNoAnswer), Result<void>(kNoAnswer), Result<void>()}) {
    tunnel.apply(same, {Source::dske}, key, false, [](const Result<void>& /*applied*/) {});
    fixture.device.answer(answer);
  }
  CHECK(tunnel.active() == same);
  const KeyId next = fixture.apply(tunnel);
  fixture.device.answer();
  TunnelKey again = fixture.make();
  fixture.look(again);
  CHECK(again.active() == next);
}

TEST_CASE("a gate that cannot be shut says why, until it can") {
  Fixture fixture;
  TunnelKey tunnel = fixture.make();
  fixture.look(tunnel);
  fixture.device.answer(kNoAnswer);
  CHECK(tunnel.state() == TunnelKey::State::absent);
  CHECK(tunnel.error().find("the device does not answer") != std::string::npos);
  fixture.device.key = {};  // as if nothing had been set
  fixture.look(tunnel);
  fixture.device.answer();
  CHECK(tunnel.state() == TunnelKey::State::shut);
  CHECK(tunnel.error().empty());
}

TEST_CASE("the keep-alive interval comes back, whatever falls between restoring it and its answer") {
  Fixture fixture;
  TunnelKey tunnel = fixture.make();
  (void)fixture.begin(tunnel);
  const auto live = [&] {
    fixture.clock.set(fixture.clock.now() + 10s);
    fixture.device.handshake = fixture.clock.wall();
    fixture.look(tunnel);
  };
  const auto ignore = [](const Result<void>& /*opened*/) {};
  SUBCASE("another handshake is begun before the answer") {
    tunnel.open(ignore);
    fixture.device.answer();
    live();  // restores
    CHECK(fixture.device.keepalive == 25);
    tunnel.open(ignore);
    fixture.device.answer();
  }
  SUBCASE("another handshake is begun before the next look") {
    tunnel.open(ignore);
    fixture.device.answer();
    live();
    fixture.device.answer();
    CHECK_FALSE(fixture.record.contents().keepalive_seconds);
    tunnel.open(ignore);
    fixture.device.answer();
  }
  CHECK(fixture.device.keepalive == 5);
  live();
  fixture.device.answer();
  fixture.look(tunnel);
  CHECK(fixture.device.keepalive == 25);
  CHECK_FALSE(fixture.record.contents().keepalive_seconds);
}

}  // namespace dske::wireguard::test
