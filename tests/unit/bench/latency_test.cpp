#include "bench/latency.h"

#include <doctest/doctest.h>

using namespace dske::bench;

TEST_CASE("a percentile is the nearest rank") {
  CHECK(percentile({}, 50).count() == 0);
  CHECK(percentile({Latency(7)}, 1).count() == 7);
  CHECK(percentile({Latency(7)}, 99).count() == 7);
  std::vector<Latency> hundred;
  for (int i = 100; i >= 1; --i) hundred.emplace_back(i);
  CHECK(percentile(hundred, 50).count() == 50);
  CHECK(percentile(hundred, 99).count() == 99);
  CHECK(percentile(hundred, 100).count() == 100);
  CHECK(percentile(hundred, 0).count() == 1);
  hundred.emplace_back(101);
  CHECK(percentile(hundred, 99).count() == 100);
}

TEST_CASE("a median is the middle, of an even number the mean of the two in the middle") {
  CHECK(median({}) == 0);
  CHECK(median({3}) == 3);
  CHECK(median({9, 1, 5}) == 5);
  CHECK(median({9, 1, 5, 2}) == 3.5);
}

TEST_CASE("a ratio to a ceiling that was not measured is none") {
  CHECK(ratio(3, 4) == 0.75);
  CHECK(ratio(3, 0) == 0);
}
