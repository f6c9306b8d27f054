#include <doctest/doctest.h>

#include "dske/one_time_pad.h"
#include "fixed_randomness.h"
#include "vectors.h"

namespace dske {
namespace {

TEST_CASE("one-time pad: a known text under a known pad") {
  Bytes text = test::from_hex("00ff55aa0f");
  apply_pad(text, test::from_hex("ffff5555f0"));
  CHECK(test::to_hex(text) == "ff0000ffff");
}

TEST_CASE("one-time pad: applied twice it gives the text back, whatever the size") {
  test::ReproducibleRandomness randomness(9);
  for (std::size_t size = 0; size < 100; ++size) {
    const Bytes text = randomness.data(size);
    const Bytes pad = randomness.data(size);
    Bytes changed = text;
    apply_pad(changed, pad);
    for (std::size_t i = 0; i < size; ++i) REQUIRE((changed[i] ^ text[i]) == pad[i]);
    apply_pad(changed, pad);
    CHECK(changed == text);
  }
}

}  // namespace
}  // namespace dske
