#include <set>

#include <doctest/doctest.h>

#include "dske/leased_pool.h"
#include "fixed_randomness.h"
#include "memory_block.h"
#include "simulated_stores.h"

namespace dske {
namespace {

const PsrdLayout kLayout{2048, 20480, 2048, 20480};

struct Fixture {
  explicit Fixture(std::uint32_t seed = 1) : randomness(seed) { add_block(); }

  void add_block() {
    const BlockId id = BlockId::random(randomness);
    const Bytes data = randomness.data(kLayout.total());
    store.add(id, kLayout, data);
    pool->add_block(test::memory_block(id, kLayout, SecretBytes::copy_of(ByteView(data)), Side::client),
                    true);
    blocks.push_back(id);
  }
  void allocate(Zone zone, std::uint64_t size, int number) {
    pool->allocate(zone, size, [this, number](Result<Reserved> reserved) {
      order.push_back(number);
      results.push_back(std::move(reserved));
    });
  }
  void run() { loop.run_for(std::chrono::seconds(1)); }
  [[nodiscard]] bool all_are(ErrorKind kind) const {
    return std::all_of(results.begin(), results.end(),
                       [&](const auto& result) { return !result && result.error().kind == kind; });
  }

  test::ReproducibleRandomness randomness;
  test::SimulatedClock clock;
  test::SimulatedLoop loop{clock, 1};
  test::SimulatedPsrdStore store{loop, Side::client};
  std::shared_ptr<LeasedPool> pool = LeasedPool::make(Side::client, store);
  std::vector<BlockId> blocks;
  std::vector<int> order;
  std::vector<Result<Reserved>> results;
};

TEST_CASE("leased pool: whoever waits for a lease is served in turn, and never before it is durable") {
  Fixture fixture;
  fixture.store.disk.delay = std::chrono::milliseconds(5);
  for (int i = 0; i < 20; ++i) fixture.allocate(Zone::pad, i % 3 == 0 ? 3000 : 32, i);
  CHECK(fixture.results.empty());
  fixture.run();
  REQUIRE(fixture.results.size() == 20);
  std::uint64_t end = kLayout.begin(Side::client, Zone::pad);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(fixture.order[i] == static_cast<int>(i));
    if (!fixture.results[i]) continue;
    const Fragment& fragment = fixture.results[i]->allocation.at(0);
    CHECK(fragment.start == end);
    end = fragment.end();
  }
  CHECK(end <= fixture.store.block(fixture.blocks[0]).lease_end().pad);
}

TEST_CASE("leased pool: over many allocations, leases are never exceeded and no byte is given twice") {
  Fixture fixture(7);
  fixture.store.disk.delay = std::chrono::microseconds(300);
  fixture.add_block();
  std::set<std::pair<BlockId, std::uint64_t>> given;
  std::size_t answered = 0;
  for (int i = 0; i < 400; ++i) {
    const Zone zone = kZones[fixture.randomness.below(2)];
    fixture.pool->allocate(zone, 1 + fixture.randomness.below(100),
                           [&, zone](const Result<Reserved>& reserved) {
                             ++answered;
                             if (!reserved) {
                               CHECK(reserved.error().kind == ErrorKind::exhausted);
                               return;
                             }
                             for (const Fragment& fragment : reserved->allocation) {
                               CHECK(fragment.end() <= fixture.store.block(fragment.block).lease_end()[zone]);
                               for (std::uint64_t at = fragment.start; at < fragment.end(); ++at) {
                                 REQUIRE(given.emplace(fragment.block, at).second);
                               }
                             }
                           });
    fixture.loop.run_for(std::chrono::microseconds(fixture.randomness.below(200)));
  }
  fixture.run();
  CHECK(answered == 400);
}

TEST_CASE("leased pool: when a callback runs, no later allocation has been made that nobody knows of") {
  Fixture fixture;
  fixture.store.disk.delay = std::chrono::milliseconds(1);
  std::vector<std::uint64_t> ends;
  for (int i = 0; i < 3; ++i) {
    fixture.pool->allocate(Zone::authenticator, 32, [&](const Result<Reserved>& reserved) {
      ends.push_back(reserved->allocation.at(0).end());
      CHECK(fixture.pool->next(fixture.blocks[0], Zone::authenticator) == ends.back());
    });
  }
  fixture.run();
  CHECK(ends == std::vector<std::uint64_t>{32, 64, 96});
}

TEST_CASE("leased pool: when the store fails, those who wait are told, and who asks later is served") {
  Fixture fixture;
  fixture.run();  // the reserve that a new block brings
  fixture.store.disk.failure = Error{ErrorKind::io, "disk full"};
  fixture.allocate(Zone::pad, 10000, 1);
  fixture.allocate(Zone::pad, 10, 2);
  fixture.run();
  CHECK(fixture.results.size() == 2);
  CHECK(fixture.all_are(ErrorKind::io));
  const std::size_t calls = fixture.store.lease_calls;
  fixture.run();
  CHECK(fixture.store.lease_calls == calls);  // a failing store is left alone until somebody asks
  fixture.store.disk.failure.reset();
  fixture.allocate(Zone::pad, 10000, 3);
  fixture.run();
  REQUIRE(fixture.results.size() == 3);
  CHECK(fixture.results[2]);
}

TEST_CASE("leased pool: who asks again because of a failure waits for the store") {
  Fixture fixture;
  fixture.run();
  fixture.store.disk.failure = Error{ErrorKind::io, "disk full"};
  fixture.store.disk.delay = std::chrono::milliseconds(1);
  int failures = 0;
  std::function<void(Result<Reserved>)> again = [&](const Result<Reserved>& reserved) {
    if (reserved) return;
    if (++failures == 3) fixture.store.disk.failure.reset();
    fixture.pool->allocate(Zone::pad, 10000, [&](Result<Reserved> next) { again(std::move(next)); });
  };
  fixture.pool->allocate(Zone::pad, 10000, [&](Result<Reserved> next) { again(std::move(next)); });
  fixture.run();
  CHECK(failures == 3);
}

TEST_CASE("leased pool: a damaged or lost block spoils nothing but itself") {
  for (const bool lost : {false, true}) {
    Fixture fixture;
    for (int i = 0; i < 4; ++i) fixture.add_block();
    fixture.run();
    const BlockId bad = fixture.blocks[1];
    if (lost) {
      fixture.store.remove(bad);
    } else {
      fixture.store.damaged.insert(bad);
    }
    // More than one block has: all of them are leased at once.
    fixture.allocate(Zone::pad, 70000, 1);
    fixture.run();
    REQUIRE(fixture.results.size() == 1);
    REQUIRE(fixture.results[0]);
    std::size_t of_bad = 0;
    for (const Fragment& fragment : fixture.results[0]->allocation) of_bad += fragment.block == bad ? 1 : 0;
    CHECK(of_bad == 0);
    CHECK(fixture.pool->has_block(bad) == !lost);
    // It is not revived, and what is left is used up to the end.
    fixture.pool->set_allocatable(bad);
    for (int i = 0; i < 40; ++i) fixture.allocate(Zone::pad, 1000, 2 + i);
    fixture.run();
    CHECK(fixture.results.size() == 41);
    CHECK_FALSE(fixture.results.back());
    CHECK(fixture.results.back().error().kind == ErrorKind::exhausted);
  }
}

TEST_CASE("leased pool: who waits for a lease of a block that is taken away is answered") {
  Fixture fixture;
  fixture.run();
  fixture.store.disk.delay = std::chrono::milliseconds(1);
  fixture.store.disk.failure = Error{ErrorKind::io, "disk full"};
  fixture.allocate(Zone::pad, 15000, 1);
  // While the first is told of the failure, another asks, and the block is gone.
  fixture.pool->allocate(Zone::pad, 15000, [&](const Result<Reserved>& /*failed*/) {
    fixture.pool->remove_block(fixture.blocks[0]);
    fixture.allocate(Zone::pad, 10, 3);
    fixture.allocate(Zone::pad, 10, 4);
  });
  fixture.run();
  REQUIRE(fixture.results.size() == 3);
  CHECK(fixture.results[0].error().kind == ErrorKind::io);
  CHECK(fixture.results[2].error().kind == ErrorKind::exhausted);
}

TEST_CASE("leased pool: exhaustion is told at once to who asks too much, others go on") {
  Fixture fixture;
  fixture.allocate(Zone::authenticator, 2049, 1);
  REQUIRE(fixture.results.size() == 1);
  CHECK(fixture.all_are(ErrorKind::exhausted));
  fixture.allocate(Zone::authenticator, 2048, 2);
  fixture.run();
  CHECK(fixture.results.at(1));
  fixture.allocate(Zone::authenticator, 1, 3);
  CHECK(fixture.results.at(2).error().kind == ErrorKind::exhausted);
  // A new block ends it.
  fixture.add_block();
  fixture.allocate(Zone::authenticator, 1, 4);
  fixture.run();
  CHECK(fixture.results.at(3)->allocation == Allocation{{fixture.blocks[1], 0, 1}});
}

TEST_CASE("leased pool: after a loss of power it goes on beyond everything that was given out") {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    Fixture fixture(seed);
    fixture.store.disk.delay = std::chrono::microseconds(200);
    for (int i = 0; i < 30; ++i) {
      fixture.allocate(kZones[fixture.randomness.below(2)], 1 + fixture.randomness.below(60), i);
      fixture.loop.run_for(std::chrono::microseconds(fixture.randomness.below(300)));
    }
    fixture.store.disk.lose_power();
    PsrdPool after(Side::client);
    for (PsrdBlock& block : fixture.store.read()) after.add_block(std::move(block), true);
    for (const auto& result : fixture.results) {
      if (!result) continue;
      for (const Fragment& fragment : result->allocation) {
        const Zone zone = fragment.start < 2048 ? Zone::authenticator : Zone::pad;
        CHECK(fragment.end() <= after.next(fragment.block, zone));
      }
    }
  }
}

TEST_CASE("leased pool: a clean stop gives the rest of its leases back and refuses further allocations") {
  Fixture fixture;
  fixture.allocate(Zone::authenticator, 32, 1);
  fixture.allocate(Zone::pad, 100, 2);
  fixture.run();
  bool closed = false;
  fixture.pool->close([&](const Result<void>& result) { closed = result.has_value(); });
  fixture.run();
  CHECK(closed);
  CHECK(fixture.store.block(fixture.blocks[0]).lease_end() == PerZone<std::uint64_t>{32, 2148});
  fixture.allocate(Zone::pad, 1, 3);
  CHECK(fixture.results.at(2).error().kind == ErrorKind::unavailable);
}

TEST_CASE("leased pool: a stop while a lease is under way tells who waits and gives nothing out") {
  Fixture fixture;
  fixture.store.disk.delay = std::chrono::milliseconds(1);
  fixture.allocate(Zone::pad, 100, 1);
  bool closed = false;
  fixture.pool->close([&](const Result<void>& /*result*/) { closed = true; });
  fixture.run();
  CHECK(closed);
  CHECK(fixture.results.size() == 1);
  CHECK(fixture.all_are(ErrorKind::unavailable));
}

TEST_CASE("leased pool: settled floors survive a restart") {
  Fixture fixture;
  const std::uint64_t begin = kLayout.begin(Side::hub, Zone::pad);
  REQUIRE(fixture.pool->take(Zone::pad, {{fixture.blocks[0], begin, 64}}));
  fixture.pool->settle_floors();
  fixture.run();
  CHECK(fixture.store.block(fixture.blocks[0]).floor().pad == begin + 64);
  PsrdPool after(Side::client);
  for (PsrdBlock& block : fixture.store.read()) after.add_block(std::move(block), true);
  CHECK_FALSE(after.take(Zone::pad, {{fixture.blocks[0], begin + 63, 1}}));
  CHECK(after.take(Zone::pad, {{fixture.blocks[0], begin + 64, 1}}));
}

TEST_CASE("leased pool: the level is the scarcest zone's") {
  Fixture fixture;
  CHECK(fixture.pool->levels().percent() == doctest::Approx(100));
  fixture.allocate(Zone::authenticator, 1024, 1);
  fixture.allocate(Zone::pad, 2048, 2);
  fixture.run();
  CHECK(fixture.pool->levels().percent() == doctest::Approx(50));
  CHECK(fixture.pool->block_levels(fixture.blocks[0]).client_pad.left_bytes == 18432);
  fixture.pool->remove_block(fixture.blocks[0]);
  CHECK(fixture.pool->levels().percent() == doctest::Approx(0));
}

}  // namespace
}  // namespace dske
