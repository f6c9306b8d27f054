#include <doctest/doctest.h>

#include "dske/gf128.h"
#include "fixed_randomness.h"
#include "vectors.h"

namespace dske {
namespace {

using test::read_vectors;
using test::ReproducibleRandomness;
using test::to_hex;
using test::Vector;

std::vector<ClmulPath> supported_paths() {
  std::vector<ClmulPath> paths;
  for (const ClmulPath path : {ClmulPath::portable, ClmulPath::pclmul}) {
    if (is_supported(path)) paths.push_back(path);
  }
  return paths;
}

Gf128 element(ByteView bytes) {
  return Gf128::from_bytes(bytes.first<Gf128::kSize>());
}

// Bit by bit, as NIST SP 800-38D, algorithm 1.
Gf128 slow_product(Gf128 a, Gf128 b) {
  Gf128 product;
  for (int i = 0; i < 128; ++i) {
    const std::uint64_t word = i < 64 ? a.high : a.low;
    if ((word >> (63 - i % 64) & 1) != 0) product = product ^ b;
    const bool overflow = (b.low & 1) != 0;
    b = {b.low >> 1 | b.high << 63, b.high >> 1};
    if (overflow) b.high ^= std::uint64_t{0xe1} << 56;
  }
  return product;
}

TEST_CASE("gf128: products agree with the vectors on every path") {
  for (const Vector& vector : read_vectors("dske/gf128.vec")) {
    CAPTURE(vector.where());
    const Gf128 a = element(vector.bytes("A"));
    const Gf128 b = element(vector.bytes("B"));
    for (const ClmulPath path : supported_paths()) {
      CAPTURE(static_cast<int>(path));
      CHECK((to_hex(multiply(a, b, path).to_bytes()) == vector.text("Product")) == vector.valid());
      CHECK((to_hex(multiply(b, a, path).to_bytes()) == vector.text("Product")) == vector.valid());
    }
  }
}

TEST_CASE("gf128: the portable path and the fastest path are supported") {
  CHECK(is_supported(ClmulPath::portable));
  CHECK(is_supported(fastest_clmul_path()));
}

TEST_CASE("gf128: every product of single bits, and random products, agree with the standard's algorithm") {
  ReproducibleRandomness randomness(2);
  const auto single_bit = [](int i) {
    return i < 64 ? Gf128{0, std::uint64_t{1} << (63 - i)} : Gf128{std::uint64_t{1} << (127 - i), 0};
  };
  for (const ClmulPath path : supported_paths()) {
    CAPTURE(static_cast<int>(path));
    int differing = 0;
    const auto compare = [&](Gf128 a, Gf128 b) {
      differing += multiply(a, b, path).to_bytes() != slow_product(a, b).to_bytes();
    };
    for (int i = 0; i < 128; ++i) {
      for (int j = 0; j < 128; ++j) compare(single_bit(i), single_bit(j));
    }
    for (int i = 0; i < 5000; ++i) compare(element(randomness.data(16)), element(randomness.data(16)));
    compare({~std::uint64_t{0}, ~std::uint64_t{0}}, {~std::uint64_t{0}, ~std::uint64_t{0}});
    CHECK(differing == 0);
  }
}

TEST_CASE("gf128: one is neutral and zero annihilates") {
  const Gf128 a = element(ReproducibleRandomness(3).data(16));
  for (const ClmulPath path : supported_paths()) {
    CHECK(multiply(a, Gf128::one(), path).to_bytes() == a.to_bytes());
    CHECK(multiply(Gf128::one(), a, path).to_bytes() == a.to_bytes());
    CHECK(multiply(a, Gf128(), path).to_bytes() == Gf128().to_bytes());
  }
}

TEST_CASE("gf128: bytes become an element and the same bytes again") {
  const Bytes bytes = test::from_hex("000102030405060708090a0b0c0d0e8f");
  CHECK(element(bytes).high == 0x0001020304050607U);
  CHECK(element(bytes).low == 0x08090a0b0c0d0e8fU);
  CHECK(to_hex(element(bytes).to_bytes()) == to_hex(bytes));
}

TEST_CASE("gf128: Horner's rule in runs of any number of blocks is Horner's rule block by block") {
  ReproducibleRandomness randomness(4);
  for (const ClmulPath path : supported_paths()) {
    CAPTURE(static_cast<int>(path));
    for (std::size_t count = 0; count <= 40; ++count) {
      CAPTURE(count);
      const Gf128 point = element(randomness.data(16));
      const Gf128 first = element(randomness.data(16));
      const Bytes blocks = randomness.data(16 * count + 1);  // read from an odd address
      const ByteView view = ByteView(blocks).subspan(1);

      Gf128 expected = first;
      for (std::size_t i = count; i-- > 0;)
        expected = slow_product(expected, point) ^ element(view.subspan(16 * i));
      Gf128Horner horner(point, path);
      horner.step(first);
      horner.steps_backwards(view.last(16 * (count / 3)));
      horner.steps_backwards(view.first(16 * (count - count / 3)));
      REQUIRE(horner.value().to_bytes() == expected.to_bytes());
    }
  }
}

}  // namespace
}  // namespace dske
