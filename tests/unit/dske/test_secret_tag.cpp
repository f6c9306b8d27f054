#include <algorithm>

#include <doctest/doctest.h>

#include "dske/secret_tag.h"
#include "fixed_randomness.h"
#include "vectors.h"

namespace dske {
namespace {

using test::read_vectors;
using test::ReproducibleRandomness;
using test::to_hex;
using test::Vector;

constexpr ClmulPath kPaths[] = {ClmulPath::portable, ClmulPath::pclmul};

SecretTag tag_from(const Bytes& bytes) {
  REQUIRE(bytes.size() == 16);
  SecretTag tag;
  std::copy(bytes.begin(), bytes.end(), tag.begin());
  return tag;
}

TEST_CASE("secret tag: tags agree with the vectors on every path") {
  int invalid = 0;
  for (const Vector& vector : read_vectors("dske/secret_tag.vec")) {
    CAPTURE(vector.where());
    const Bytes u = vector.bytes("U");
    const Bytes context = vector.bytes("Context");
    const Bytes secret = vector.bytes("Secret");
    for (const ClmulPath path : kPaths) {
      if (!is_supported(path)) continue;
      CAPTURE(static_cast<int>(path));
      CHECK(verify_secret_tag(u, context, secret, tag_from(vector.bytes("Tag")), path) == vector.valid());
    }
    invalid += !vector.valid();
  }
  CHECK(invalid > 0);
}

TEST_CASE("secret tag: only the joined message counts, not where the context ends") {
  ReproducibleRandomness randomness(10);
  const Bytes u = randomness.data(32);
  const Bytes message = randomness.data(301);
  const std::string whole = to_hex(secret_tag(u, {}, message));
  for (std::size_t border = 0; border <= message.size(); ++border) {
    const ByteView context = ByteView(message).first(border);
    const ByteView secret = ByteView(message).subspan(border);
    for (const ClmulPath path : kPaths) {
      if (is_supported(path)) CHECK(to_hex(secret_tag(u, context, secret, path)) == whole);
    }
  }
}

TEST_CASE("secret tag: all paths agree for every length") {
  ReproducibleRandomness randomness(11);
  const Bytes u = randomness.data(32);
  for (std::size_t size = 0; size < 600; ++size) {
    const Bytes secret = randomness.data(size);
    const std::string portable = to_hex(secret_tag(u, as_bytes("odd"), secret, ClmulPath::portable));
    CHECK(to_hex(secret_tag(u, as_bytes("odd"), secret)) == portable);
  }
}

TEST_CASE("secret tag: every single changed bit of a message, of u and of the tag is noticed") {
  ReproducibleRandomness randomness(12);
  Bytes u = randomness.data(32);
  Bytes context = randomness.data(21);
  Bytes secret = randomness.data(43);
  SecretTag tag = secret_tag(u, context, secret);
  REQUIRE(verify_secret_tag(u, context, secret, tag));
  const auto check_all_bits = [&](MutableByteView bytes) {
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      CHECK_FALSE(verify_secret_tag(u, context, secret, tag));
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    }
  };
  check_all_bits(u);
  check_all_bits(context);
  check_all_bits(secret);
  check_all_bits(tag);
  CHECK(verify_secret_tag(u, context, secret, tag));
}

// The degree of f in a must be odd and its leading coefficients fixed, or an added error in a would cancel
// out: with a^2 at the top, f(a + e) - f(a) would not depend on a. For each error in a, few a may fool the
// check.
TEST_CASE("secret tag: adding one error to a changes the tag differently under different a") {
  ReproducibleRandomness randomness(13);
  const Bytes message = randomness.data(33);
  const Bytes error = randomness.data(16);
  std::vector<std::string> differences;
  for (int i = 0; i < 200; ++i) {
    Bytes u = randomness.data(32);
    const SecretTag before = secret_tag(u, {}, message);
    for (std::size_t j = 0; j < error.size(); ++j) u[j] ^= error[j];
    SecretTag difference = secret_tag(u, {}, message);
    for (std::size_t j = 0; j < difference.size(); ++j) difference[j] ^= before[j];
    differences.push_back(to_hex(difference));
  }
  std::sort(differences.begin(), differences.end());
  CHECK(std::unique(differences.begin(), differences.end()) == differences.end());
}

}  // namespace
}  // namespace dske
