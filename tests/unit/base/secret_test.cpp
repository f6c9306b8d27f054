#include "base/secret.h"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

#include "base/base64.h"
#include "base/json.h"
#include "released_memory.h"

using namespace dske;
using dske::test::ReleasedMemory;

namespace {

// Not on the heap, as ReleasedMemory wants it.
constexpr std::string_view kMarker = "a marker that no other memory holds";

bool all_zero(const std::uint8_t* begin, std::size_t size) {
  return std::all_of(begin, begin + size, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

TEST_CASE("the watch on released memory sees what is freed unwiped") {
  const ReleasedMemory watch(as_bytes(kMarker));
  void* block = std::malloc(100);
  std::copy(kMarker.begin(), kMarker.end(), static_cast<char*>(block) + 20);
  asm volatile("" : : "r"(block) : "memory");  // or the compiler leaves out what nobody reads
  std::free(block);
  CHECK(watch.blocks_with_marker() == 1);
}

TEST_CASE("secret bytes are wiped before their memory is given back") {
  int with_marker = -1;
  int blocks = 0;
  {
    const ReleasedMemory watch(as_bytes(kMarker));
    {
      SecretBytes destroyed = SecretBytes::copy_of(kMarker);
      SecretBytes moved = std::move(destroyed);
      SecretBytes assigned = SecretBytes::copy_of(kMarker);
      assigned = std::move(moved);
      SecretBytes grown = SecretBytes::copy_of(kMarker);
      grown.reserve(10'000);
      grown.append(std::string_view("x"));
      SecretBytes appended;
      for (const char c : kMarker) appended.push_back(static_cast<std::uint8_t>(c));
      for (int i = 0; i < 1000; ++i) appended.push_back(0);
      SecretBytes shrunk = SecretBytes::copy_of(kMarker);
      shrunk.resize(kMarker.size() / 2);
      const SecretBytes cloned = grown.clone();
      SecretBytes cleared = SecretBytes::copy_of(kMarker);
      cleared.clear();
    }
    with_marker = watch.blocks_with_marker();
    blocks = watch.blocks();
  }
  CHECK(blocks >= 8);
  CHECK(with_marker == 0);
}

TEST_CASE("what is cut off is wiped at once, though the memory is kept") {
  SecretBytes bytes = SecretBytes::copy_of(kMarker);
  const std::uint8_t* const memory = bytes.data();
  bytes.resize(5);
  CHECK(bytes.data() == memory);
  CHECK(bytes.text() == kMarker.substr(0, 5));
  CHECK(all_zero(memory + 5, kMarker.size() - 5));  // still within the buffer's capacity
  bytes.clear();
  CHECK(bytes.empty());
  CHECK(bytes.data() == memory);
  CHECK(all_zero(memory, kMarker.size()));
}

TEST_CASE("moving hands the memory over and leaves nothing behind") {
  SecretBytes first = SecretBytes::copy_of("abc");
  const std::uint8_t* const memory = first.data();
  SecretBytes second = std::move(first);
  CHECK(second.data() == memory);
  CHECK(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  CHECK(first.data() == nullptr);
  first.append(std::string_view("again"));
  CHECK(first.text() == "again");
  SecretBytes& same = second;
  second = std::move(same);
  CHECK(second.text() == "abc");
}

TEST_CASE("secret bytes grow with zeros and keep what they held") {
  SecretBytes bytes(3);
  CHECK(all_zero(bytes.data(), 3));
  bytes.span()[0] = 7;
  bytes.resize(5000);
  CHECK(bytes.size() == 5000);
  CHECK(bytes.view()[0] == 7);
  CHECK(all_zero(bytes.data() + 1, 4999));
  bytes.resize(2);
  bytes.resize(4);
  CHECK(all_zero(bytes.data() + 1, 3));
}

TEST_CASE("appending keeps the order, and nothing is no bytes") {
  SecretBytes bytes;
  bytes.append(ByteView());
  bytes.append(std::string_view());
  CHECK(bytes.empty());
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i);
    bytes.append(piece);
    expected += piece;
  }
  CHECK(bytes.text() == expected);
  CHECK(bytes.clone().text() == expected);
}

TEST_CASE("secret bytes may be appended to themselves") {
  SecretBytes bytes = SecretBytes::copy_of("abc");
  for (int i = 0; i < 5; ++i) bytes.append(bytes.view());
  CHECK(bytes.size() == 96);
  CHECK(bytes.text().substr(90) == "abcabc");
}

TEST_CASE("secret bytes are neither copied nor compared by accident") {
  CHECK(!std::is_copy_constructible_v<SecretBytes>);
  CHECK(!std::is_copy_assignable_v<SecretBytes>);
  CHECK(std::is_nothrow_move_constructible_v<SecretBytes>);
  CHECK(!std::equality_comparable<SecretBytes>);
}

TEST_CASE("equality is of all bytes and the length") {
  const auto equal = [](std::string_view a, std::string_view b) {
    return constant_time_equal(as_bytes(a), as_bytes(b));
  };
  CHECK(equal("", ""));
  CHECK(equal("abc", "abc"));
  CHECK(!equal("abc", "abd"));
  CHECK(!equal("abc", "bbc"));
  CHECK(!equal("abc", "ab"));
  CHECK(!equal("", "a"));
}

TEST_CASE("wipe overwrites what it is given and nothing beyond") {
  std::array<std::uint8_t, 6> bytes{1, 2, 3, 4, 5, 6};
  wipe(MutableByteView(bytes).subspan(1, 3));
  CHECK(bytes == std::array<std::uint8_t, 6>{1, 0, 0, 0, 5, 6});
  wipe({});
}

TEST_CASE("JSON and base64 leave no secret in the memory that they give back") {
  int with_marker = -1;
  int blocks = 0;
  {
    const ReleasedMemory watch(as_bytes(kMarker.substr(0, 24)));
    {
      json::Writer writer;
      writer.begin_object().name("secret").string(kMarker).name("list").begin_array();
      for (int i = 0; i < 200; ++i) writer.string(kMarker);
      writer.end_array().end_object();
      const SecretBytes text = writer.take();
      const auto document = json::Document::parse(text.text());
      json::ObjectReader reader(document->root(), "test");
      static_cast<void>(reader.string("secret", 100));
      static_cast<void>(reader.array("list", 1000));
      const auto refused = json::Document::parse(text.text().substr(0, text.size() - 1));
      SecretBytes encoded;
      append_base64(encoded, text.view());
      static_cast<void>(base64_decode(encoded.text()));
    }
    with_marker = watch.blocks_with_marker();
    blocks = watch.blocks();
  }
  CHECK(blocks > 5);
  CHECK(with_marker == 0);
}
