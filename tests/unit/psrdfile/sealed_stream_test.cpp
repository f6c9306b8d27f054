#include <doctest/doctest.h>

#include "base/random.h"
#include "psrdfile/memory_stream.h"
#include "psrdfile/sealed_sink.h"
#include "psrdfile/sealed_source.h"

namespace dske::test {
namespace {

const Bytes kAssociated{'h', 'e', 'a', 'd'};

SecretBytes key() {
  return SecretBytes::copy_of("0123456789abcdef0123456789abcdef");
}

Bytes sealed(const Bytes& contents, std::size_t at_once = SIZE_MAX) {
  Taken taken;
  SealedSink sink(std::make_unique<MemorySink>(taken), key().view(), kAssociated);
  for (ByteView rest = contents; !rest.empty();) {
    const std::size_t count = std::min(rest.size(), at_once);
    REQUIRE(sink.write(rest.first(count)).has_value());
    rest = rest.subspan(count);
  }
  REQUIRE_FALSE(taken.finished);
  REQUIRE(sink.finish().has_value());
  REQUIRE(taken.finished);
  return taken.bytes;
}

Result<Bytes> opened(Bytes bytes, std::size_t at_once = SIZE_MAX, const Bytes& associated = kAssociated,
                     const SecretBytes& with = key()) {
  SealedSource source(std::make_unique<MemorySource>(std::move(bytes), at_once), with.view(), associated);
  return read_all(source);
}

void check_corrupt(const Bytes& bytes, const std::string& message = "it is damaged or cut off") {
  const auto contents = opened(bytes);
  REQUIRE_FALSE(contents.has_value());
  CHECK(contents.error().kind == ErrorKind::corrupt);
  CHECK(contents.error().message == message);
}

TEST_CASE("what is sealed is opened again, around the sizes of chunks and in pieces of any size") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kStreamChunkBytes - 1, kStreamChunkBytes,
                                 kStreamChunkBytes + 1, 2 * kStreamChunkBytes, 3 * kStreamChunkBytes + 17}) {
    CAPTURE(size);
    const Bytes contents = some_bytes(size);
    const Bytes whole = sealed(contents);
    const std::size_t chunks = size == 0 ? 1 : (size + kStreamChunkBytes - 1) / kStreamChunkBytes;
    CHECK(whole.size() == size + chunks * 16);
    CHECK(sealed(contents, 1000) == whole);
    for (const std::size_t at_once : {std::size_t{777}, kSealedChunkBytes, SIZE_MAX}) {
      const auto again = opened(whole, at_once);
      REQUIRE(again.has_value());
      CHECK((*again == contents));
    }
  }
}

TEST_CASE("nothing of what is sealed is to be seen") {
  const Bytes contents = some_bytes(2 * kStreamChunkBytes);
  const Bytes whole = sealed(contents);
  for (std::size_t at = 0; at < contents.size(); at += 4099) {
    const auto piece = contents.begin() + static_cast<std::ptrdiff_t>(at);
    CHECK(std::search(whole.begin(), whole.end(), piece, piece + 8) == whole.end());
  }
}

TEST_CASE("a bit that is changed anywhere is found") {
  const Bytes whole = sealed(some_bytes(kStreamChunkBytes + 100));
  for (const std::size_t at : {std::size_t{0}, std::size_t{30000}, kStreamChunkBytes, kSealedChunkBytes - 1,
                               kSealedChunkBytes, whole.size() - 17, whole.size() - 1}) {
    Bytes damaged = whole;
    damaged[at] ^= 0x10;
    check_corrupt(damaged);
  }
}

TEST_CASE("bytes that are missing at the end are found, also whole chunks") {
  const Bytes whole = sealed(some_bytes(3 * kStreamChunkBytes));
  for (const std::size_t left : {std::size_t{1}, std::size_t{100}, kSealedChunkBytes - 1,
                                 kSealedChunkBytes + 16, 2 * kSealedChunkBytes + 1, whole.size() - 1}) {
    Bytes cut = whole;
    cut.resize(left);
    const auto contents = opened(cut);
    REQUIRE_FALSE(contents.has_value());
    CHECK(contents.error().kind == ErrorKind::corrupt);
  }
  for (const std::size_t chunks : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    Bytes cut = whole;
    cut.resize(chunks * kSealedChunkBytes);
    check_corrupt(cut, "it is cut off");
  }
}

TEST_CASE("bytes behind the end are found, also whole chunks") {
  const Bytes whole = sealed(some_bytes(kStreamChunkBytes));
  for (const std::size_t more : {std::size_t{1}, std::size_t{16}, kSealedChunkBytes}) {
    Bytes longer = whole;
    longer.insert(longer.end(), more, 0);
    check_corrupt(longer);
  }
  Bytes twice = whole;
  twice.insert(twice.end(), whole.begin(), whole.end());
  check_corrupt(twice);
}

TEST_CASE("chunks in another order, doubled or left out are found") {
  const Bytes whole = sealed(some_bytes(3 * kStreamChunkBytes));
  const auto chunk = [&](std::size_t i) {
    const auto start = whole.begin() + static_cast<std::ptrdiff_t>(i * kSealedChunkBytes);
    return Bytes(start, start + kSealedChunkBytes);
  };
  for (const std::vector<std::size_t>& order :
       {std::vector<std::size_t>{1, 0, 2}, {0, 0, 1, 2}, {0, 2}, {1, 2}, {2}, {0, 1, 2, 2}, {2, 1, 0}}) {
    Bytes other;
    for (const std::size_t i : order) {
      const Bytes one = chunk(i);
      other.insert(other.end(), one.begin(), one.end());
    }
    check_corrupt(other);
  }
}

TEST_CASE("an empty chunk behind others is no second form of the same contents") {
  Bytes whole = sealed(some_bytes(2 * kStreamChunkBytes));
  whole.resize(kSealedChunkBytes);
  AesGcm cipher(key().view());
  Bytes empty(16);
  cipher.seal(stream_nonce(1, true), kAssociated, {}, empty);
  whole.insert(whole.end(), empty.begin(), empty.end());
  check_corrupt(whole, "its last chunk is empty");
}

TEST_CASE("another key or another head opens nothing") {
  const Bytes whole = sealed(some_bytes(10));
  CHECK_FALSE(opened(whole, SIZE_MAX, {'t', 'a', 'i', 'l'}).has_value());
  CHECK_FALSE(opened(whole, SIZE_MAX, kAssociated, SecretBytes(32)).has_value());
  CHECK(opened(whole).has_value());
}

TEST_CASE("the number of a chunk takes eleven bytes of its nonce, its end the last") {
  CHECK(stream_nonce(0, false) == AesGcm::Nonce{});
  CHECK(stream_nonce(0x0102030405060708, true) == AesGcm::Nonce{0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1});
}

}  // namespace
}  // namespace dske::test
