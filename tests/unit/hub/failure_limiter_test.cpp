#include "hub/failure_limiter.h"

#include <doctest/doctest.h>

#include "dske/simulated_loop.h"

namespace dske::hub {
namespace {

constexpr int kBurst = 2000;

void fail(FailureLimiter& limiter, const std::string& address, int times) {
  for (int i = 0; i < times; ++i) limiter.count_failure(address);
}

TEST_CASE("an address that fails too often is not looked at for a while") {
  dske::test::SimulatedClock clock;
  FailureLimiter limiter(clock);
  CHECK(limiter.allows("192.0.2.1"));
  fail(limiter, "192.0.2.1", kBurst - 1);
  CHECK(limiter.allows("192.0.2.1"));
  fail(limiter, "192.0.2.1", 1);
  CHECK_FALSE(limiter.allows("192.0.2.1"));
  clock.set(clock.now() + std::chrono::milliseconds(4));
  CHECK_FALSE(limiter.allows("192.0.2.1"));
  clock.set(clock.now() + std::chrono::milliseconds(2));
  CHECK(limiter.allows("192.0.2.1"));
}

TEST_CASE("failures of one address do not shut out another") {
  dske::test::SimulatedClock clock;
  FailureLimiter limiter(clock);
  fail(limiter, "192.0.2.1", kBurst);
  CHECK_FALSE(limiter.allows("192.0.2.1"));
  CHECK(limiter.allows("192.0.2.2"));
}

TEST_CASE("failures beyond the budget do not prolong the wait") {
  dske::test::SimulatedClock clock;
  FailureLimiter limiter(clock);
  fail(limiter, "192.0.2.1", 3 * kBurst);
  clock.set(clock.now() + std::chrono::milliseconds(10));
  CHECK(limiter.allows("192.0.2.1"));
}

TEST_CASE("a long pause refills no more than the burst") {
  dske::test::SimulatedClock clock;
  FailureLimiter limiter(clock);
  fail(limiter, "192.0.2.1", 1);
  clock.set(clock.now() + std::chrono::hours(24));
  fail(limiter, "192.0.2.1", kBurst);
  CHECK_FALSE(limiter.allows("192.0.2.1"));
}

TEST_CASE("all failures are counted, and asking counts none") {
  dske::test::SimulatedClock clock;
  FailureLimiter limiter(clock);
  for (int i = 0; i < 10; ++i) CHECK(limiter.allows("192.0.2.1"));
  CHECK(limiter.failures() == 0);
  fail(limiter, "192.0.2.1", 3);
  fail(limiter, "192.0.2.2", 2);
  CHECK(limiter.failures() == 5);
}

}  // namespace
}  // namespace dske::hub
