#include "kme/request_limits.h"

#include <deque>

#include <doctest/doctest.h>

namespace dske::kme {
namespace {

const RateLimiter::Time kStart = RateLimiter::Time() + std::chrono::hours(1);

SaeId sae(const char* text) {
  return *SaeId::parse(text);
}

TEST_CASE("an SAE that asks too often is told so, and the others are served") {
  const auto limits = RequestLimits::make({5, 100, 100});
  for (int i = 0; i < 5; ++i) CHECK(RequestLimits::take(limits, sae("greedy"), kStart).has_value());
  const auto refused = RequestLimits::take(limits, sae("greedy"), kStart);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().status == 429);
  CHECK(refused.error().message.find("more than 5 requests per second") != std::string::npos);
  CHECK(RequestLimits::take(limits, sae("modest"), kStart).has_value());
  CHECK(RequestLimits::take(limits, sae("greedy"), kStart + std::chrono::milliseconds(200)).has_value());
}

TEST_CASE("an SAE whose requests are not answered yet cannot fill the KME") {
  const auto limits = RequestLimits::make({1000, 2, 3});
  std::deque<RequestLimits::Place> places;
  const auto take = [&](const char* who) {
    auto place = RequestLimits::take(limits, sae(who), kStart);
    const int status = place ? 200 : place.error().status;
    if (place) places.push_back(std::move(*place));
    return status;
  };
  CHECK(take("greedy") == 200);
  CHECK(take("greedy") == 200);
  CHECK(take("greedy") == 429);
  CHECK(take("modest") == 200);
  CHECK(take("third") == 503);
  places.pop_front();
  CHECK(take("third") == 200);
  CHECK(take("greedy") == 503);
  places.clear();
  CHECK(take("greedy") == 200);
}

}  // namespace
}  // namespace dske::kme
