#include "base/rate_limiter.h"

#include <doctest/doctest.h>

namespace dske {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const RateLimiter::Time kStart = RateLimiter::Time() + std::chrono::hours(1);

int allowed_at_once(RateLimiter& limiter, const std::string& key, RateLimiter::Time now) {
  int allowed = 0;
  while (limiter.reserve(key, now)) ++allowed;
  return allowed;
}

TEST_CASE("a burst of one second's worth may happen at once, and then one in every interval") {
  RateLimiter limiter(10);
  CHECK(allowed_at_once(limiter, "a", kStart) == 10);
  CHECK_FALSE(limiter.reserve("a", kStart + milliseconds(99)));
  CHECK(allowed_at_once(limiter, "a", kStart + milliseconds(100)) == 1);
  CHECK(allowed_at_once(limiter, "a", kStart + milliseconds(450)) == 3);
  CHECK(allowed_at_once(limiter, "a", kStart + seconds(100)) == 10);
}

TEST_CASE("the least rate allows one event") {
  RateLimiter limiter(1);
  CHECK(allowed_at_once(limiter, "a", kStart) == 1);
  CHECK_FALSE(limiter.reserve("a", kStart + milliseconds(999)));
  CHECK(limiter.reserve("a", kStart + milliseconds(1000)));
}

TEST_CASE("over a long time no more happens than the rate, however it is asked") {
  RateLimiter limiter(100);
  int allowed = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (limiter.reserve("a", kStart + milliseconds(i / 10))) ++allowed;
  }
  CHECK(allowed >= 1090);
  CHECK(allowed <= 1110);
}

TEST_CASE("every key has an allowance of its own") {
  RateLimiter limiter(5);
  CHECK(allowed_at_once(limiter, "a", kStart) == 5);
  CHECK(allowed_at_once(limiter, "b", kStart) == 5);
}

TEST_CASE("who has patience is told when its turn is, and takes it") {
  RateLimiter limiter(10);
  CHECK(allowed_at_once(limiter, "a", kStart) == 10);
  CHECK(limiter.reserve("a", kStart, milliseconds(250)) == kStart + milliseconds(100));
  CHECK(limiter.reserve("a", kStart, milliseconds(250)) == kStart + milliseconds(200));
  CHECK_FALSE(limiter.reserve("a", kStart, milliseconds(250)));
  // What was refused took no turn.
  CHECK(limiter.reserve("a", kStart, milliseconds(350)) == kStart + milliseconds(300));
}

TEST_CASE("a flood of keys takes no more than a bounded memory, and keys that were used up stay so") {
  RateLimiter limiter(2);
  CHECK(allowed_at_once(limiter, "victim", kStart) == 2);
  for (int i = 0; i < 100'000; ++i) (void)limiter.reserve(std::to_string(i), kStart);
  CHECK(limiter.keys() <= 65536);
  CHECK_FALSE(limiter.reserve("victim", kStart + milliseconds(400)));
  // Two seconds later all have their allowance again, and new ones find a place.
  CHECK(limiter.reserve("new", kStart + seconds(2)));
  CHECK(limiter.keys() < 100);
}

}  // namespace
}  // namespace dske
