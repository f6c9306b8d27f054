#include "base/random.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace dske;

TEST_CASE("the system's randomness fills every byte and does not repeat itself") {
  SystemRandomness randomness;
  const SecretBytes first = randomness.bytes(64);
  const SecretBytes second = randomness.bytes(64);
  CHECK(first.size() == 64);
  CHECK(!constant_time_equal(first.view(), second.view()));
  // Each of 16 places is not zero in some of 64 fillings (it would be in all with a chance of 2^-512).
  for (std::size_t place = 0; place < 16; ++place) {
    bool filled = false;
    for (int i = 0; i < 64; ++i) filled = filled || randomness.bytes(16).view()[place] != 0;
    CHECK(filled);
  }
  CHECK(randomness.bytes(0).empty());
}
