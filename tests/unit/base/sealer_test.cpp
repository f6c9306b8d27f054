#include "base/sealer.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "base/random.h"
#include "vectors.h"

namespace dske {
namespace {

Sealer sealer_with(std::uint8_t byte) {
  SecretBytes key(Sealer::kKeyBytes);
  std::fill(key.span().begin(), key.span().end(), byte);
  return Sealer(std::move(key));
}

TEST_CASE("the published vectors seal to what they say, and open again") {
  for (const test::Vector& vector : test::read_vectors("base/xaes256gcm.vec")) {
    INFO(vector.where());
    const Sealer sealer(SecretBytes::copy_of(vector.bytes("Key")));
    Sealer::Nonce nonce{};
    const Bytes nonce_bytes = vector.bytes("Nonce");
    std::copy(nonce_bytes.begin(), nonce_bytes.end(), nonce.begin());
    const Bytes associated = vector.bytes("Associated");
    const Bytes sealed = sealer.seal_with(nonce, vector.bytes("Plaintext"), associated);
    CHECK(test::to_hex(ByteView(sealed).subspan(Sealer::kNonceBytes)) == vector.text("Sealed"));
    const auto opened = sealer.open(sealed, associated);
    REQUIRE(opened);
    CHECK(test::to_hex(opened->view()) == vector.text("Plaintext"));
  }
}

TEST_CASE("what was altered, cut off, sealed for something else or under another key does not open") {
  const Sealer sealer = sealer_with(7);
  const Bytes sealed = sealer.seal(as_bytes("a secret"), as_bytes("place 1"));
  CHECK(sealer.open(sealed, as_bytes("place 1"))->text() == "a secret");
  CHECK(sealer.open(sealed, as_bytes("place 2")).error().kind == ErrorKind::corrupt);
  CHECK(sealer_with(8).open(sealed, as_bytes("place 1")).error().kind == ErrorKind::corrupt);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes altered = sealed;
    altered[i] = static_cast<std::uint8_t>(altered[i] ^ 1);
    CHECK_FALSE(sealer.open(altered, as_bytes("place 1")));
    CHECK_FALSE(sealer.open(ByteView(sealed).first(i), as_bytes("place 1")));
  }
}

TEST_CASE("the same secret is sealed differently each time, and an empty one is sealed too") {
  const Sealer sealer = sealer_with(7);
  CHECK(sealer.seal(as_bytes("x"), {}) != sealer.seal(as_bytes("x"), {}));
  CHECK(sealer.open(sealer.seal({}, {}), {})->empty());
}

}  // namespace
}  // namespace dske
