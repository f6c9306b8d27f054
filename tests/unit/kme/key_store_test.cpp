// The key store: warm pairs, levels, leases, and that no key is given out twice whatever is killed when.
#include "kme/key_store.h"

#include <random>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "base/random.h"
#include "simulated_ready_store.h"

namespace dske::kme::test {
namespace {

using dske::test::SimulatedClock;
using dske::test::SimulatedLoop;
using std::chrono::milliseconds;
using std::chrono::seconds;

SaeId sae(const std::string& text) {
  return *SaeId::parse(text);
}

const etsi014::SaePair kPair{sae("carol"), sae("celia")};

// Tells how often it was looked at.
class CountingClock final : public Clock {
 public:
  explicit CountingClock(const SimulatedClock& clock) : clock_(clock) {}
  [[nodiscard]] MonotonicTime now() const override {
    ++looks;
    return clock_.now();
  }
  [[nodiscard]] WallTime wall() const override { return clock_.wall(); }
  mutable std::size_t looks = 0;

 private:
  const SimulatedClock& clock_;
};

// A KME's key store, with bundles that come after five milliseconds unless they fail.
struct Kme {
  explicit Kme(std::uint32_t seed = 1) : loop(clock, seed), disk(loop, clock), order(seed) {
    config.encryptors = {sae("carol")};
    config.shares_required = 3;
    start();
  }

  void start() {
    const std::vector<store::ReadyEntry> entries = disk.entries();
    keys = std::make_unique<KeyStore>(KeyStore::Parts{
        config,
        [this](BundleRequest request, Initiator::Done done) { make(std::move(request), std::move(done)); },
        [this](const BundleRequest& /*request*/) { return psrd_left; }, disk, loop, counted});
    keys->load(entries);
  }
  // As kill -9: what was under way never happens.
  void crash() {
    loop.drop_all();
    keys.reset();
    start();
  }
  void stop() {
    bool closed = false;
    keys->close([&] { closed = true; });
    REQUIRE(loop.run_until([&] { return closed; }, seconds(10)));
    loop.drop_all();
    keys.reset();
  }
  void run_for(std::chrono::nanoseconds span) {
    for (const MonotonicTime end = clock.now() + span; clock.now() < end;) {
      loop.run_for(std::min<std::chrono::nanoseconds>(end - clock.now(), seconds(1)));
      keys->settle();
    }
    loop.run_for(milliseconds(50));
  }

  void make(BundleRequest request, Initiator::Done done) {
    ++made;
    last_size = request.key_count;
    loop.after(milliseconds(5), [this, request = std::move(request), done = std::move(done)]() mutable {
      if (failure) return done(BundleFailure{*failure});
      BundleContext context{BundleId::random(randomness),
                            *ClientName::parse("carol"),
                            request.key_count,
                            request.key_size_bytes,
                            request.master,
                            {{request.slaves.front(), *ClientName::parse(slave_client)}},
                            3,
                            {}};
      SecretBytes secret(std::size_t{request.key_count} * request.key_size_bytes);
      randomness.fill(secret.span());
      done(EstablishedBundle{context, std::move(secret), clock.now() + request.lifetime, 5});
    });
  }

  // What a request gets: 0 if the store could not serve it.
  std::size_t request(std::uint32_t number, const etsi014::SaePair& pair = kPair) {
    if (auto got = keys->take(pair, number)) return note(*got);
    std::optional<std::size_t> answered;
    keys->take_leasing(pair, number,
                       [&](std::optional<KeyStore::Keys> got) { answered = got ? note(*got) : 0; });
    REQUIRE(loop.run_until([&] { return answered.has_value(); }, seconds(10)));
    if (*answered == 0) keys->asked(pair, number);
    return *answered;
  }
  std::size_t note(const KeyStore::Keys& got) {
    for (const etsi014::Key& key : got) {
      CHECK_MESSAGE(given.insert(key.id.text()).second, "given twice: ", key.id.text());
      CHECK(values.insert(std::string(key.value.text())).second);
    }
    return got.size();
  }

  SimulatedClock clock;
  CountingClock counted{clock};
  SimulatedLoop loop;
  SimulatedReadyStore disk;
  std::mt19937 order;
  SystemRandomness randomness;
  KmeConfig config;
  bool psrd_left = true;
  std::unique_ptr<KeyStore> keys;
  std::optional<Error> failure;
  std::string slave_client = "celia";
  int made = 0;
  std::uint32_t last_size = 0;
  std::set<std::string> given;
  std::set<std::string> values;
};

}  // namespace

TEST_CASE("a pair is warm once it was asked, and filled to its minimum") {
  Kme kme;
  kme.run_for(seconds(2));
  CHECK(kme.made == 0);
  CHECK(kme.request(1) == 0);
  kme.run_for(seconds(1));
  CHECK(kme.keys->level(kPair) == 32);
  CHECK(kme.made == 1);
  CHECK(kme.request(1) == 1);
  CHECK(kme.request(31) == 31);
  CHECK(kme.keys->keys_issued() == 32);
  kme.run_for(seconds(3));
  CHECK(kme.keys->level(kPair) >= 32);
}

TEST_CASE("a warm request is answered without the loop and without the disk") {
  Kme kme;
  kme.keys->asked(kPair, 1);
  kme.run_for(seconds(1));
  const int leases = kme.disk.leases;
  CHECK(kme.keys->take(kPair, 1).has_value());
  CHECK(kme.disk.leases == leases);
}

TEST_CASE(
    "a request for more keys than are leased waits for a lease, one for more than are ready gets none") {
  Kme kme;
  kme.keys->asked(kPair, 1);
  kme.run_for(seconds(1));
  CHECK_FALSE(kme.keys->take(kPair, 30).has_value());
  CHECK(kme.request(30) == 30);
  CHECK(kme.request(30) == 0);
}

TEST_CASE("requests that wait together are all served by one lease") {
  Kme kme;
  kme.config.key_store.minimum_keys = 1000;
  kme.keys->asked(kPair, 1);
  kme.run_for(seconds(1));
  std::size_t got = 0;
  for (int i = 0; i < 9; ++i) {
    kme.keys->take_leasing(kPair, 100, [&](std::optional<KeyStore::Keys> keys) {
      if (keys) got += kme.note(*keys);
    });
  }
  const int leases = kme.disk.leases;
  kme.loop.run_for(milliseconds(100));
  CHECK(got == 900);
  CHECK(kme.disk.leases <= leases + 1);
}

TEST_CASE("the level follows the demand, up to the maximum, and falls when the pair is idle") {
  Kme kme;
  kme.config.limits.max_key_count = 500;
  kme.request(1);
  for (int i = 0; i < 600; ++i) {
    kme.run_for(seconds(1));
    kme.request(4);
  }
  const auto busy = kme.keys->figures(10).at(0);
  CHECK(busy.keys_per_second == doctest::Approx(4).epsilon(0.1));
  CHECK(busy.target == doctest::Approx(240).epsilon(0.1));
  CHECK(busy.ready >= busy.target / 2);
  for (int i = 0; i < 300; ++i) {
    kme.run_for(seconds(1));
    kme.request(60);
  }
  CHECK(kme.keys->figures(10).at(0).target == 500);
  CHECK(kme.keys->level(kPair) <= 500);
  kme.run_for(seconds(1900));
  CHECK(kme.keys->figures(10).at(0).target == 0);
  const int made = kme.made;
  CHECK(kme.keys->level(kPair) > 0);
  kme.run_for(std::chrono::hours(25));
  CHECK(kme.made == made);
  CHECK(kme.keys->level(kPair) == 0);
  CHECK(kme.keys->pairs() == 0);
  CHECK(kme.disk.rows() == 0);
}

TEST_CASE("keys that are too old are replaced, not given out") {
  Kme kme;
  kme.config.key_source = KeySource::generator;
  kme.config.key_lifetime = seconds(600);
  kme.config.key_store.idle = std::chrono::hours(24);
  kme.request(1);
  kme.run_for(seconds(100));
  const int made = kme.made;
  kme.run_for(seconds(541));
  CHECK(kme.made > made);
  CHECK(kme.keys->level(kPair) == 32);
  CHECK(kme.request(20) == 20);
}

TEST_CASE("configured pairs are warm before they are asked") {
  Kme kme;
  kme.config.key_store.pairs = {kPair};
  kme.crash();
  kme.run_for(seconds(2));
  CHECK(kme.keys->level(kPair) == 32);
  CHECK(kme.keys->take(kPair, 1).has_value());
  kme.run_for(std::chrono::hours(30));
  CHECK(kme.keys->level(kPair) == 32);
}

TEST_CASE("what fails is tried again, ever more rarely, and told") {
  Kme kme;
  kme.failure = Error{ErrorKind::unavailable, "too few hubs"};
  kme.keys->asked(kPair, 0);
  kme.run_for(seconds(600));
  CHECK(kme.made > 5);
  CHECK(kme.made < 25);
  CHECK(kme.keys->last_failure().find("too few hubs") != std::string::npos);
  kme.failure.reset();
  kme.run_for(seconds(61));
  CHECK(kme.keys->level(kPair) == 32);
  CHECK(kme.keys->last_failure().empty());
}

TEST_CASE("nothing is made ahead of demand when the PSRD is scarce") {
  Kme kme;
  kme.psrd_left = false;
  kme.keys->asked(kPair, 1);
  kme.run_for(seconds(10));
  CHECK(kme.made == 0);
  CHECK(kme.keys->last_failure().find("PSRD") != std::string::npos);
  kme.psrd_left = true;
  kme.run_for(seconds(60));
  CHECK(kme.keys->level(kPair) == 32);
}

TEST_CASE("a store that fails costs no keys twice and none for ever") {
  Kme kme;
  kme.keys->asked(kPair, 1);
  kme.run_for(seconds(1));
  kme.disk.failure = Error{ErrorKind::io, "disk full"};
  CHECK(kme.request(30) == 0);
  kme.disk.failure.reset();
  kme.run_for(seconds(120));
  CHECK(kme.request(30) == 30);

  kme.run_for(seconds(5));
  kme.disk.failure = Error{ErrorKind::io, "marker"};
  kme.disk.fails_after_the_fact = true;
  CHECK(kme.request(40) == 0);
  kme.disk.failure.reset();
  kme.run_for(seconds(120));
  CHECK(kme.request(40) == 40);
}

TEST_CASE("a clean stop loses no key, a crash those that were leased") {
  Kme kme;
  kme.config.key_store.minimum_keys = 100;
  kme.keys->asked(kPair, 1);
  kme.run_for(seconds(1));
  CHECK(kme.request(3) == 3);
  CHECK(kme.keys->level(kPair) == 97);
  kme.stop();
  kme.start();
  CHECK(kme.keys->level(kPair) == 97);
  CHECK(kme.request(1) == 1);
  const std::uint32_t leased = kme.keys->figures(1).at(0).leased;
  CHECK(leased > 0);
  kme.crash();
  CHECK(kme.keys->level(kPair) == 96 - leased);
  CHECK(kme.request(1) == 1);
}

TEST_CASE("ready keys that do not fit the configuration any more are dropped at the start") {
  Kme kme;
  kme.keys->asked(kPair, 1);
  kme.run_for(seconds(1));
  kme.stop();
  SUBCASE("of another size") {
    kme.config.limits.key_size_bits = 512;
  }
  SUBCASE("of too few shares") {
    kme.config.shares_required = 4;
  }
  SUBCASE("of an SAE that is served no more") {
    kme.config.encryptors = {sae("sam")};
  }
  SUBCASE("with the key store switched off") {
    kme.config.key_store.enabled = false;
  }
  kme.start();
  kme.loop.run_for(seconds(1));
  CHECK(kme.keys->level(kPair) == 0);
  CHECK(kme.disk.rows() == 0);
}

TEST_CASE("when the slave SAE has moved to another KME, the keys made for the old one are dropped") {
  Kme kme;
  kme.keys->asked(kPair, 1);
  kme.run_for(seconds(1));
  CHECK(kme.request(20) == 20);  // so that the next bundle is made
  kme.slave_client = "curtis";
  kme.run_for(seconds(5));
  const std::size_t before = kme.given.size();
  CHECK(kme.request(16) == 16);
  CHECK(kme.given.size() == before + 16);
  kme.run_for(seconds(5));
  CHECK(kme.keys->level(kPair) >= 16);
}

TEST_CASE("many pairs are filled a few at a time, each in its turn") {
  Kme kme;
  for (int i = 0; i < 200; ++i) kme.keys->asked({sae("carol"), sae("slave " + std::to_string(i))}, 1);
  CHECK(kme.made == 8);
  kme.run_for(seconds(3));
  for (int i = 0; i < 200; ++i)
    CHECK(kme.keys->level({sae("carol"), sae("slave " + std::to_string(i))}) == 32);
  CHECK(kme.made == 200);
  CHECK(kme.keys->ready_keys() == 6400);
}

TEST_CASE("pairs at rest are not looked at until there is something to do") {
  Kme kme;
  const auto pair = [](int i) { return etsi014::SaePair{sae("carol"), sae("slave " + std::to_string(i))}; };
  for (int i = 0; i < 500; ++i) kme.keys->asked(pair(i), 0);
  kme.run_for(seconds(10));
  CHECK(kme.keys->ready_keys() == 500 * 32);
  const auto looks = [&] {
    const std::size_t before = kme.counted.looks;
    kme.keys->settle();
    return kme.counted.looks - before;
  };
  CHECK(looks() < 5);
  // One of which a worker gave keys is looked at, filled up again, and rests.
  for (int i = 0; i < 8; ++i) kme.request(2, pair(7));
  kme.request(10, pair(7));
  CHECK(kme.keys->level(pair(7)) < 16);
  CHECK(looks() < 50);
  kme.run_for(seconds(10));
  CHECK(kme.keys->level(pair(7)) >= 32);
  CHECK(kme.keys->level(pair(8)) == 32);
  CHECK(looks() < 5);
  // When they are in use no more, and again when their keys are too old, all are.
  kme.run_for(kme.config.key_store.idle);
  CHECK(kme.keys->pairs() == 500);
  CHECK(looks() < 5);
  kme.run_for(kme.config.key_lifetime);
  CHECK(kme.keys->ready_keys() == 0);
  CHECK(kme.keys->pairs() == 0);
  CHECK(kme.disk.rows() == 0);
}

TEST_CASE("no key is given out twice, wherever crashes, stops and faults fall") {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Kme kme(seed);
    kme.config.key_store.minimum_keys = 8 + seed % 60;
    const auto dice = [&](std::uint32_t sides) { return static_cast<std::uint32_t>(kme.order() % sides); };
    for (int step = 0; step < 60; ++step) {
      switch (dice(12U)) {
        case 0:
          kme.crash();
          break;
        case 1:
          kme.stop();
          kme.start();
          break;
        case 2:
          kme.disk.failure = Error{ErrorKind::io, "fault"};
          kme.disk.fails_after_the_fact = dice(2) == 0;
          break;
        case 3:
          kme.failure = Error{ErrorKind::unavailable, "hubs"};
          break;
        case 4:
          kme.failure.reset();
          kme.disk.failure.reset();
          break;
        case 5:
          kme.loop.run_for(std::chrono::microseconds(dice(8000)));
          kme.keys->settle();
          break;
        default:
          for (std::uint32_t i = dice(6); i > 0; --i) static_cast<void>(kme.request(1 + dice(40)));
      }
    }
    kme.failure.reset();
    kme.disk.failure.reset();
    kme.keys->asked(kPair, 1);
    kme.run_for(seconds(120));
    CHECK(kme.keys->level(kPair) >= kme.config.key_store.minimum_keys / 2);
    CHECK(kme.request(1) == 1);
  }
}

}  // namespace dske::kme::test
