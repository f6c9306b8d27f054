#include <array>
#include <set>

#include <doctest/doctest.h>

#include "dske/gf256.h"
#include "fixed_randomness.h"
#include "vectors.h"

namespace dske {
namespace {

using test::read_vectors;
using test::ReproducibleRandomness;
using test::Vector;

std::vector<GfPath> supported_paths() {
  std::vector<GfPath> paths;
  for (const GfPath path : {GfPath::portable, GfPath::avx2, GfPath::gfni}) {
    if (is_supported(path)) paths.push_back(path);
  }
  return paths;
}

// Multiplication by discrete logarithms to the base 3, a generator of the multiplicative group: powers of 3
// are made by shifting and adding alone.
class LogarithmTables {
 public:
  LogarithmTables() {
    unsigned power = 1;
    for (unsigned exponent = 0; exponent < 255; ++exponent) {
      power_[exponent] = static_cast<std::uint8_t>(power);
      logarithm_[power] = exponent;
      power ^= power << 1;
      if (power > 255) power ^= 0x11b;
    }
  }

  [[nodiscard]] std::uint8_t product(unsigned a, unsigned b) const {
    return a == 0 || b == 0 ? std::uint8_t{0} : power_[(logarithm_[a] + logarithm_[b]) % 255];
  }

  [[nodiscard]] bool is_complete() const {
    return std::set<std::uint8_t>(power_.begin(), power_.end()).size() == 255;
  }

 private:
  std::array<std::uint8_t, 255> power_{};
  std::array<unsigned, 256> logarithm_{};
};

TEST_CASE("gf256: products agree with the vectors") {
  for (const Vector& vector : read_vectors("dske/gf256.vec")) {
    CAPTURE(vector.where());
    const std::uint8_t a = vector.bytes("A").at(0);
    const std::uint8_t b = vector.bytes("B").at(0);
    const std::uint8_t product = vector.bytes("Product").at(0);
    CHECK((gf256::multiply(a, b) == product) == vector.valid());
    CHECK((gf256::multiply(b, a) == product) == vector.valid());
    for (const GfPath path : supported_paths()) {
      Bytes out(100, 0);
      gf256::multiply_add(out, a, Bytes(100, b), path);
      CHECK((out == Bytes(100, product)) == vector.valid());
    }
  }
}

TEST_CASE("gf256: every product and inverse agrees with logarithms to the base 3") {
  const LogarithmTables tables;
  REQUIRE(tables.is_complete());
  int differing = 0;
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      differing +=
          gf256::multiply(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)) != tables.product(a, b);
    }
    const std::uint8_t inverse = gf256::inverse(static_cast<std::uint8_t>(a));
    CHECK(tables.product(a, inverse) == (a == 0 ? 0 : 1));
  }
  CHECK(differing == 0);
  CHECK(gf256::inverse(0) == 0);
}

TEST_CASE("gf256: the portable path and the fastest path are supported") {
  CHECK(is_supported(GfPath::portable));
  CHECK(is_supported(fastest_gf_path()));
}

TEST_CASE("gf256: on every path each scalar times each byte is right") {
  const LogarithmTables tables;
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  for (const GfPath path : supported_paths()) {
    CAPTURE(static_cast<int>(path));
    for (unsigned scalar = 0; scalar < 256; ++scalar) {
      Bytes sum(256, 0x5a);
      Bytes horner = all;
      gf256::multiply_add(sum, static_cast<std::uint8_t>(scalar), all, path);
      gf256::horner_step(horner, static_cast<std::uint8_t>(scalar), Bytes(256, 0xa5), path);
      Bytes expected_sum(256);
      Bytes expected_horner(256);
      for (unsigned i = 0; i < 256; ++i) {
        expected_sum[i] = tables.product(scalar, i) ^ 0x5a;
        expected_horner[i] = tables.product(scalar, i) ^ 0xa5;
      }
      REQUIRE(sum == expected_sum);
      REQUIRE(horner == expected_horner);
    }
  }
}

TEST_CASE("gf256: all paths agree for every length and alignment, and write nothing beyond") {
  const LogarithmTables tables;
  ReproducibleRandomness randomness(1);
  for (const GfPath path : supported_paths()) {
    CAPTURE(static_cast<int>(path));
    for (std::size_t size = 0; size <= 200; ++size) {
      CAPTURE(size);
      const std::size_t in_start = randomness.below(32);
      const std::size_t out_start = randomness.below(32);
      const auto scalar = static_cast<std::uint8_t>(randomness.below(256));
      const Bytes in = randomness.data(in_start + size + 32);
      const Bytes before = randomness.data(out_start + size + 32);

      Bytes expected_sum = before;
      Bytes expected_horner = before;
      for (std::size_t i = 0; i < size; ++i) {
        const std::uint8_t byte = in[in_start + i];
        const std::uint8_t old = before[out_start + i];
        expected_sum[out_start + i] = old ^ tables.product(scalar, byte);
        expected_horner[out_start + i] = tables.product(scalar, old) ^ byte;
      }
      Bytes sum = before;
      Bytes horner = before;
      const ByteView in_view = ByteView(in).subspan(in_start, size);
      gf256::multiply_add(MutableByteView(sum).subspan(out_start, size), scalar, in_view, path);
      gf256::horner_step(MutableByteView(horner).subspan(out_start, size), scalar, in_view, path);
      REQUIRE(sum == expected_sum);
      REQUIRE(horner == expected_horner);
    }
  }
}

TEST_CASE("gf256: input and output may be the same span") {
  for (const GfPath path : supported_paths()) {
    Bytes sum(77, 0x57);
    gf256::multiply_add(sum, 0x83, sum, path);
    CHECK(sum == Bytes(77, 0x57 ^ 0xc1));
    Bytes horner(77, 0x57);
    gf256::horner_step(horner, 0x83, horner, path);
    CHECK(horner == Bytes(77, 0x57 ^ 0xc1));
  }
}

}  // namespace
}  // namespace dske
