#include "kme/psrd_share.h"

#include <doctest/doctest.h>

#include "dske/simulated_loop.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::sae;

TEST_CASE("a greedy SAE leaves half of the PSRD, however it asks, and the others get theirs") {
  for (const std::uint64_t size : {64U, 1000U, 40000U}) {
    CAPTURE(size);
    test::SimulatedClock clock;
    PsrdShare share(clock);
    PsrdAmount left{100000, 100000};
    const auto take = [&](const char* who, std::uint64_t bytes) {
      if (!share.take(sae(who), {bytes, 1}, left)) return false;
      left.pad_bytes -= bytes;
      --left.messages;
      return true;
    };
    while (take("greedy", size)) {
    }
    CHECK(left.pad_bytes >= 50000);
    CHECK(left.pad_bytes < 50000 + 2 * size);
    for (int i = 0; i < 100; ++i) CHECK(take("modest", 64));
    CHECK_FALSE(take("greedy", size));
    clock.set(clock.now() + std::chrono::minutes(5));
    CHECK(take("greedy", 64));
  }
}

TEST_CASE("authenticators are shared like pads") {
  test::SimulatedClock clock;
  PsrdShare share(clock);
  PsrdAmount left{1000000, 100};
  int taken = 0;
  while (taken < 1000 && share.take(sae("greedy"), {64, 1}, left)) {
    left.pad_bytes -= 64;
    --left.messages;
    ++taken;
  }
  CHECK(taken >= 49);
  CHECK(taken <= 50);
  CHECK(share.take(sae("modest"), {64, 1}, left));
}

TEST_CASE("one request may not take more than half of what is left") {
  test::SimulatedClock clock;
  PsrdShare share(clock);
  CHECK_FALSE(share.take(sae("carol"), {501, 1}, {1000, 100}));
  CHECK(share.take(sae("carol"), {500, 1}, {1000, 100}));
}

}  // namespace
}  // namespace dske::kme
