#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "dske/psrd_pool.h"
#include "fixed_randomness.h"
#include "memory_block.h"
#include "vectors.h"

namespace dske {
namespace {

const PsrdLayout kLayout{2048, 4096, 2048, 4096};

struct TestBlock {
  BlockId id;
  Bytes data;
};

TestBlock make_block(test::ReproducibleRandomness& randomness, const PsrdLayout& layout = kLayout) {
  return {BlockId::random(randomness), randomness.data(layout.total())};
}

PsrdBlock fresh(const TestBlock& block, Side own, const PsrdLayout& layout = kLayout) {
  return test::memory_block(block.id, layout, SecretBytes::copy_of(ByteView(block.data)), own);
}

// A lease of no particular bytes: for tests that do not look at them.
void grant(PsrdPool& pool, const PsrdLease& lease) {
  pool.leased(lease, SecretBytes(lease.end - lease.begin));
}

// Extends leases as if the disk took no time.
Result<Reserved> allocate(PsrdPool& pool, Zone zone, std::uint64_t size) {
  for (const PsrdLease& lease : pool.lease_wish(zone, size)) grant(pool, lease);
  return pool.allocate(zone, size);
}

// The same, with the bytes of the blocks.
Result<Reserved> allocate_from(const std::vector<TestBlock>& blocks, PsrdPool& pool, Zone zone,
                               std::uint64_t size) {
  for (const PsrdLease& lease : pool.lease_wish(zone, size)) {
    const auto block = std::find_if(blocks.begin(), blocks.end(),
                                    [&](const TestBlock& each) { return each.id == lease.block; });
    const ByteView bytes = ByteView(block->data).subspan(lease.begin, lease.end - lease.begin);
    pool.leased(lease, SecretBytes::copy_of(bytes));
  }
  return pool.allocate(zone, size);
}

Bytes copy(const Result<SecretBytes>& bytes) {
  return Bytes(bytes->view().begin(), bytes->view().end());
}

Bytes part(const TestBlock& block, std::uint64_t begin, std::uint64_t size) {
  const auto first = block.data.begin() + static_cast<std::ptrdiff_t>(begin);
  return Bytes(first, first + static_cast<std::ptrdiff_t>(size));
}

TEST_CASE("PSRD pool: nothing is allocated that is not leased") {
  test::ReproducibleRandomness randomness(1);
  const TestBlock block = make_block(randomness);
  PsrdPool pool(Side::client);
  pool.add_block(fresh(block, Side::client), true);
  CHECK(pool.allocate(Zone::pad, 1).error().kind == ErrorKind::unavailable);
  const std::uint64_t begin = kLayout.begin(Side::client, Zone::pad);
  grant(pool, {block.id, Zone::pad, begin, begin + 100, begin});
  CHECK(pool.allocate(Zone::authenticator, 1).error().kind == ErrorKind::unavailable);
  CHECK(pool.allocate(Zone::pad, 101).error().kind == ErrorKind::unavailable);
  CHECK(pool.allocate(Zone::pad, 100)->allocation == Allocation{{block.id, 2048, 100}});
  CHECK(pool.allocate(Zone::pad, 1).error().kind == ErrorKind::unavailable);
}

TEST_CASE(
    "PSRD pool: an allocation goes on in the next block, and gives each zone's bytes once and in order") {
  test::ReproducibleRandomness randomness(2);
  for (const Side side : {Side::client, Side::hub}) {
    for (const Zone zone : kZones) {
      const std::vector<TestBlock> blocks{make_block(randomness), make_block(randomness),
                                          make_block(randomness)};
      PsrdPool pool(side);
      for (const TestBlock& block : blocks) pool.add_block(fresh(block, side), true);
      Bytes expected;
      for (const TestBlock& block : blocks) {
        const Bytes zone_bytes = part(block, kLayout.begin(side, zone), kLayout.size(side, zone));
        expected.insert(expected.end(), zone_bytes.begin(), zone_bytes.end());
      }
      Bytes given;
      while (given.size() < expected.size()) {
        const std::uint64_t size =
            std::min<std::uint64_t>(1 + randomness.below(5000), expected.size() - given.size());
        auto reserved = allocate_from(blocks, pool, zone, size);
        REQUIRE(reserved);
        CHECK(allocation_size(reserved->allocation) == size);
        for (const Fragment& fragment : reserved->allocation) {
          CHECK(fragment.start >= kLayout.begin(side, zone));
          CHECK(fragment.end() <= kLayout.end(side, zone));
        }
        given.insert(given.end(), reserved->bytes.view().begin(), reserved->bytes.view().end());
      }
      CHECK(given == expected);
      CHECK(allocate(pool, zone, 1).error().kind == ErrorKind::exhausted);
    }
  }
}

TEST_CASE("PSRD pool: what is left is not touched when it does not suffice") {
  test::ReproducibleRandomness randomness(3);
  PsrdPool pool(Side::client);
  pool.add_block(fresh(make_block(randomness), Side::client), true);
  CHECK(allocate(pool, Zone::pad, 4097).error().kind == ErrorKind::exhausted);
  CHECK(pool.level(Side::client, Zone::pad).left_bytes == 4096);
  CHECK(allocate(pool, Zone::pad, 4096));
}

TEST_CASE("PSRD pool: an allocation of more pieces than a message may name is refused, and takes nothing") {
  test::ReproducibleRandomness randomness(4);
  const PsrdLayout small{32, 32, 32, 32};
  PsrdPool pool(Side::client);
  for (std::size_t i = 0; i < kFragmentsMost + 1; ++i) {
    pool.add_block(fresh(make_block(randomness, small), Side::client, small), true);
  }
  CHECK(allocate(pool, Zone::pad, 32 * kFragmentsMost + 1).error().kind == ErrorKind::exhausted);
  const auto most = allocate(pool, Zone::pad, 32 * kFragmentsMost);
  REQUIRE(most);
  CHECK(parse_allocation(allocation_text(most->allocation)));
}

TEST_CASE("PSRD pool: a hub sends from listed blocks only, and receives from all") {
  test::ReproducibleRandomness randomness(5);
  const TestBlock block = make_block(randomness);
  PsrdPool pool(Side::hub);
  pool.add_block(fresh(block, Side::hub), false);
  CHECK(pool.lease_wish(Zone::pad, 10).empty());
  CHECK(pool.allocate(Zone::pad, 10).error().kind == ErrorKind::exhausted);
  CHECK(pool.take(Zone::pad, {{block.id, 2048, 10}}));
  pool.set_allocatable(block.id);
  CHECK(allocate(pool, Zone::pad, 10)->allocation == Allocation{{block.id, 8192, 10}});
  pool.set_aside(block.id);
  CHECK(pool.allocate(Zone::pad, 10).error().kind == ErrorKind::exhausted);
  pool.set_allocatable(block.id);
  CHECK(allocate(pool, Zone::pad, 10)->allocation == Allocation{{block.id, 8202, 10}});
}

TEST_CASE("PSRD pool: after a restart it goes on at the end of its leases") {
  test::ReproducibleRandomness randomness(6);
  const TestBlock block = make_block(randomness);
  PsrdBlock stored = fresh(block, Side::client);
  stored.lease_end = {300, 2048 + 77};
  PsrdPool pool(Side::client);
  pool.add_block(std::move(stored), true);
  CHECK(pool.next(block.id, Zone::authenticator) == 300);
  CHECK(allocate(pool, Zone::authenticator, 32)->allocation == Allocation{{block.id, 300, 32}});
  CHECK(allocate(pool, Zone::pad, 5)->allocation == Allocation{{block.id, 2125, 5}});
}

TEST_CASE("PSRD pool: a lease wipes what was used, to the end of the zone") {
  test::ReproducibleRandomness randomness(7);
  const TestBlock block = make_block(randomness);
  const TestBlock next = make_block(randomness);
  PsrdPool pool(Side::client);
  pool.add_block(fresh(block, Side::client), true);
  std::uint64_t wiped_to = 0;
  const auto extend = [&](std::uint64_t size) {
    for (const PsrdLease& lease : pool.lease_wish(Zone::authenticator, size)) {
      grant(pool, lease);
      CHECK(lease.used_to == pool.next(block.id, Zone::authenticator));
      CHECK(lease.end % kPsrdPieceBytes == 0);
      wiped_to = lease.used_to;
    }
  };
  for (int i = 0; i < 2048 / 32; ++i) {
    extend(32);
    REQUIRE(pool.allocate(Zone::authenticator, 32));
  }
  // Nothing is left to lease, and still the last bytes are wiped.
  extend(0);
  CHECK(wiped_to == 2048);
  CHECK(pool.lease_wish(Zone::authenticator, 0).empty());
}

TEST_CASE("PSRD pool: a clean stop gives back what was leased and not used") {
  test::ReproducibleRandomness randomness(8);
  const TestBlock block = make_block(randomness);
  PsrdPool pool(Side::client);
  pool.add_block(fresh(block, Side::client), true);
  REQUIRE(allocate_from({block}, pool, Zone::authenticator, 40));
  const auto returned = pool.lease_return();
  REQUIRE(returned.size() == 1);
  CHECK(returned[0].position == 40);
  CHECK(test::to_hex(returned[0].bytes.view()) ==
        test::to_hex(ByteView(block.data).subspan(40, 3 * kPsrdPieceBytes - 40)));
}

TEST_CASE("PSRD pool: the peer's bytes are given out once, in whatever order they come") {
  test::ReproducibleRandomness randomness(9);
  for (const Zone zone : kZones) {
    const TestBlock block = make_block(randomness);
    PsrdPool pool(Side::client);
    pool.add_block(fresh(block, Side::client), true);
    const std::uint64_t begin = kLayout.begin(Side::hub, zone);
    std::vector<std::uint64_t> starts;
    for (std::uint64_t start = begin; start < kLayout.end(Side::hub, zone); start += 32)
      starts.push_back(start);
    std::shuffle(starts.begin(), starts.end(), std::mt19937(5));
    std::set<std::uint64_t> taken;
    for (const std::uint64_t start : starts) {
      const Allocation allocation{{block.id, start, 32}};
      CHECK(copy(pool.peek(zone, allocation)) == part(block, start, 32));
      CHECK(copy(pool.take(zone, allocation)) == part(block, start, 32));
      taken.insert(start);
      // Neither they nor any that touch them come again.
      CHECK(pool.peek(zone, allocation).error().kind == ErrorKind::unauthenticated);
      CHECK(pool.take(zone, allocation).error().kind == ErrorKind::unauthenticated);
      CHECK_FALSE(pool.take(zone, {{block.id, start + 31, 1}}));
      CHECK_FALSE(pool.take(zone, {{block.id, start, 1}}));
      if (start > begin) CHECK_FALSE(pool.take(zone, {{block.id, start - 1, 2}}));
      CHECK(pool.highest_seen(block.id, zone) == *taken.rbegin() + 32);
    }
    const auto risen = pool.take_risen_floors();
    REQUIRE(risen.size() == 1);
    CHECK(risen[0].zone == zone);
    CHECK(risen[0].floor == kLayout.end(Side::hub, zone));
    CHECK(pool.take_risen_floors().empty());
  }
}

TEST_CASE("PSRD pool: a floor rises only over bytes that are used up to it") {
  test::ReproducibleRandomness randomness(10);
  const TestBlock block = make_block(randomness);
  PsrdPool pool(Side::hub);
  pool.add_block(fresh(block, Side::hub), true);
  REQUIRE(pool.take(Zone::authenticator, {{block.id, 32, 32}}));
  CHECK(pool.take_risen_floors().empty());
  REQUIRE(pool.take(Zone::authenticator, {{block.id, 96, 32}}));
  REQUIRE(pool.take(Zone::authenticator, {{block.id, 0, 32}}));
  CHECK(pool.take_risen_floors().at(0).floor == 64);
  pool.raise_floor(block.id, Zone::authenticator, 80);
  CHECK(pool.take_risen_floors().at(0).floor == 80);
  pool.raise_floor(block.id, Zone::authenticator, 10);
  CHECK(pool.take_risen_floors().empty());
  pool.raise_floor(block.id, Zone::authenticator, 100);
  CHECK(pool.take_risen_floors().at(0).floor == 128);
  CHECK(pool.highest_seen(block.id, Zone::authenticator) == 128);
  CHECK_FALSE(pool.take(Zone::authenticator, {{block.id, 127, 1}}));
  CHECK(copy(pool.take(Zone::authenticator, {{block.id, 128, 32}})) == part(block, 128, 32));
  pool.raise_floor(block.id, Zone::authenticator, 1000000);
  CHECK(pool.take_risen_floors().at(0).floor == 2048);
}

TEST_CASE("PSRD pool: bytes outside the peer's zone, of no size or of another block are refused") {
  test::ReproducibleRandomness randomness(11);
  const TestBlock block = make_block(randomness);
  PsrdPool pool(Side::hub);
  pool.add_block(fresh(block, Side::hub), true);
  const Fragment good{block.id, 0, 32};
  for (const Fragment& bad : {
           Fragment{block.id, 2032, 32},                         // over the zone's end, into the pads
           Fragment{block.id, 2048, 32},                         // of the pad zone
           Fragment{block.id, 6144, 32},                         // of the receiver's own half
           Fragment{block.id, 32, 0},                            // of no size
           Fragment{block.id, (std::uint64_t{1} << 48) - 1, 1},  // beyond the block
           Fragment{BlockId::random(randomness), 0, 32},
       }) {
    CAPTURE(bad.start);
    CHECK(pool.peek(Zone::authenticator, {bad}).error().kind == ErrorKind::unauthenticated);
    CHECK_FALSE(pool.take(Zone::authenticator, {good, bad}));
  }
  // None of these attempts took the good bytes beside the bad ones.
  CHECK(pool.take(Zone::authenticator, {good}));
}

TEST_CASE("PSRD pool: own bytes that the peer has seen used are skipped") {
  test::ReproducibleRandomness randomness(12);
  const TestBlock block = make_block(randomness);
  PsrdPool pool(Side::client);
  pool.add_block(fresh(block, Side::client), true);
  REQUIRE(allocate(pool, Zone::authenticator, 32));
  CHECK_FALSE(pool.skip_used(block.id, Zone::authenticator, 32));
  CHECK(pool.skip_used(block.id, Zone::authenticator, 1500));
  CHECK(allocate(pool, Zone::authenticator, 32)->allocation == Allocation{{block.id, 1500, 32}});
  // A position far beyond is no reason to leave the zone.
  CHECK(pool.skip_used(block.id, Zone::authenticator, 1000000));
  CHECK(pool.next(block.id, Zone::authenticator) == 2048);
  CHECK(allocate(pool, Zone::authenticator, 32).error().kind == ErrorKind::exhausted);
  CHECK(pool.next(block.id, Zone::pad) == 2048);
}

TEST_CASE("PSRD pool: only what is leased and not used lies in memory") {
  test::ReproducibleRandomness randomness(1);
  PsrdPool pool(Side::client);
  const PsrdLayout large{8192, 65536, 8192, 65536};
  const TestBlock block = make_block(randomness, large);
  pool.add_block(fresh(block, Side::client, large), true);
  CHECK(pool.bytes_in_memory() == 0);
  REQUIRE(allocate(pool, Zone::authenticator, 1));
  CHECK(pool.bytes_in_memory() == 3 * kPsrdPieceBytes);
  REQUIRE(allocate(pool, Zone::authenticator, large.client_authenticator - 1));
  CHECK(pool.bytes_in_memory() == 0);
  REQUIRE(allocate(pool, Zone::pad, 1));
  CHECK(pool.bytes_in_memory() > 0);
  CHECK(pool.skip_used(block.id, Zone::pad, large.end(Side::client, Zone::pad)));
  CHECK(pool.bytes_in_memory() == 0);
}

TEST_CASE("PSRD pool: of a lease that comes after a part of it was skipped, only the rest is used") {
  test::ReproducibleRandomness randomness(21);
  const TestBlock block = make_block(randomness);
  PsrdPool pool(Side::client);
  pool.add_block(fresh(block, Side::client), true);
  const auto wish = pool.lease_wish(Zone::pad, 100);
  REQUIRE(wish.size() == 1);
  CHECK(pool.skip_used(block.id, Zone::pad, wish[0].begin + 777));
  const ByteView bytes = ByteView(block.data).subspan(wish[0].begin, wish[0].end - wish[0].begin);
  pool.leased(wish[0], SecretBytes::copy_of(bytes));
  const auto reserved = pool.allocate(Zone::pad, 32);
  REQUIRE(reserved);
  CHECK(reserved->allocation == Allocation{{block.id, wish[0].begin + 777, 32}});
  CHECK(test::to_hex(reserved->bytes.view()) == test::to_hex(bytes.subspan(777, 32)));
}

TEST_CASE("PSRD pool: levels count what either side can still use") {
  test::ReproducibleRandomness randomness(13);
  const TestBlock block = make_block(randomness);
  PsrdPool pool(Side::client);
  pool.add_block(fresh(block, Side::client), true);
  pool.add_block(fresh(make_block(randomness), Side::client), true);
  REQUIRE(allocate(pool, Zone::pad, 96));
  REQUIRE(pool.take(Zone::pad, {{block.id, 8192 + 64, 32}}));
  CHECK(pool.level(Side::client, Zone::pad).left_bytes == 8192 - 96);
  CHECK(pool.level(Side::client, Zone::pad).total_bytes == 8192);
  CHECK(pool.level(Side::client, Zone::authenticator).left_bytes == 4096);
  CHECK(pool.block_level(block.id, Side::hub, Zone::pad).left_bytes == 4096 - 96);
  pool.remove_block(block.id);
  CHECK(pool.level(Side::client, Zone::pad).total_bytes == 4096);
  CHECK_FALSE(pool.has_block(block.id));
}

}  // namespace
}  // namespace dske
