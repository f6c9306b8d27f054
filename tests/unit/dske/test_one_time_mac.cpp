#include <doctest/doctest.h>

#include "base/secret.h"
#include "dske/one_time_mac.h"
#include "fixed_randomness.h"
#include "vectors.h"

namespace dske {
namespace {

using test::from_hex;
using test::read_vectors;
using test::to_hex;
using test::Vector;

MacTag tag_of(ByteView key, ByteView message) {
  OneTimeMac mac(key);
  mac.update(message);
  return mac.finish();
}

TEST_CASE("one-time MAC: tags agree with the vectors of RFC 8439") {
  int invalid = 0;
  for (const Vector& vector : read_vectors("dske/poly1305.vec")) {
    CAPTURE(vector.where());
    const MacTag tag = tag_of(vector.bytes("Key"), vector.bytes("Message"));
    CHECK(constant_time_equal(tag, vector.bytes("Tag")) == vector.valid());
    invalid += !vector.valid();
  }
  CHECK(invalid > 0);
}

TEST_CASE("one-time MAC: the pieces in which bytes come do not matter") {
  test::ReproducibleRandomness randomness(5);
  const Bytes key = randomness.data(32);
  const Bytes message = randomness.data(300);
  const std::string whole = to_hex(tag_of(key, message));
  for (std::size_t piece = 1; piece < message.size(); piece += 7) {
    OneTimeMac mac(key);
    for (std::size_t start = 0; start < message.size(); start += piece) {
      mac.update(ByteView(message).subspan(start, std::min(piece, message.size() - start)));
      mac.update({});
    }
    CHECK(to_hex(mac.finish()) == whole);
  }
}

TEST_CASE("one-time MAC: an item is its length in eight bytes, big-endian, and its bytes") {
  const Bytes key = test::ReproducibleRandomness(6).data(32);
  OneTimeMac mac(key);
  mac.update_item(from_hex("a1b2c3"));
  mac.update_item({});
  mac.update_item(Bytes(258, 0x77));
  const std::string message =
      "0000000000000003a1b2c3"
      "0000000000000000"
      "0000000000000102" +
      to_hex(Bytes(258, 0x77));
  CHECK(to_hex(mac.finish()) == to_hex(tag_of(key, from_hex(message))));
}

TEST_CASE("one-time MAC: moving the border between two items changes the tag") {
  const Bytes key = test::ReproducibleRandomness(7).data(32);
  OneTimeMac one(key);
  one.update_item(as_bytes("ab"));
  one.update_item(as_bytes("c"));
  OneTimeMac other(key);
  other.update_item(as_bytes("a"));
  other.update_item(as_bytes("bc"));
  CHECK(to_hex(one.finish()) != to_hex(other.finish()));
}

TEST_CASE("one-time MAC: without a message the tag is the key's second half") {
  CHECK(to_hex(tag_of(from_hex("ffffffffffffffffffffffffffffffff000102030405060708090a0b0c0d0e0f"), {})) ==
        "000102030405060708090a0b0c0d0e0f");
}

TEST_CASE("one-time MAC: an object may be dropped before it is finished, or moved") {
  const Bytes key = test::ReproducibleRandomness(8).data(32);
  { OneTimeMac dropped(key); }
  OneTimeMac first(key);
  first.update(as_bytes("mess"));
  OneTimeMac second(std::move(first));
  second.update(as_bytes("age"));
  CHECK(to_hex(second.finish()) == to_hex(tag_of(key, as_bytes("message"))));
}

}  // namespace
}  // namespace dske
