#include "base/utf8.h"

#include <string>

#include <doctest/doctest.h>

using namespace dske;
using namespace std::string_view_literals;

namespace {

// The bytes that a code point would have in `length` bytes, right or wrong.
std::string encoded(std::uint32_t code, int length) {
  if (length == 1) return {static_cast<char>(code)};
  std::string text;
  for (int i = 1; i < length; ++i) {
    text.insert(text.begin(), static_cast<char>(0x80 | (code & 0x3f)));
    code >>= 6;
  }
  const unsigned lead = length == 2 ? 0xc0 : length == 3 ? 0xe0 : 0xf0;
  text.insert(text.begin(), static_cast<char>(lead | code));
  return text;
}

int shortest_length(std::uint32_t code) {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

}  // namespace

TEST_CASE("every code point is well-formed in its shortest form alone, and surrogates never are") {
  for (std::uint32_t code = 0; code < 0x110000; ++code) {
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    for (int length = shortest_length(code); length <= 4; ++length) {
      const bool expected = length == shortest_length(code) && !surrogate;
      if (is_utf8(encoded(code, length)) != expected) {
        CAPTURE(code);
        CAPTURE(length);
        CHECK(is_utf8(encoded(code, length)) == expected);
      }
    }
  }
}

TEST_CASE("what lies over U+10FFFF, lone continuations and cut sequences are refused") {
  for (const std::string_view text :
       {"\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xf8\x88\x80\x80\x80"sv, "\xfe"sv, "\xff"sv, "\x80"sv,
        "\xbf"sv, "a\x80"sv, "\xc2"sv, "\xc2z"sv, "\xe2\x82"sv, "\xe2\x82z"sv, "\xf0\x9f\x98"sv,
        "\xf0\x9f\x98z"sv, "\xc2\xc2\xa9"sv, "\xe2\x28\xa1"sv}) {
    CHECK(!is_utf8(text));
  }
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain"));
  CHECK(is_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 mixed"));
  CHECK(is_utf8("a\0b"sv));
}

TEST_CASE("C0, DEL and C1 are control characters and their neighbours are not") {
  for (int c = 0; c < 0x100; ++c) {
    const auto code = static_cast<std::uint32_t>(c);
    const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    CHECK(has_control_characters("ab" + encoded(code, shortest_length(code)) + "c") == control);
  }
  CHECK(!has_control_characters(""));
  CHECK(!has_control_characters("\xe2\x82\xac"));  // its continuations look like C1
}

TEST_CASE("a text is shortened between characters") {
  CHECK(shortened("abc", 3) == "abc");
  CHECK(shortened("abcd", 3) == "abc");
  CHECK(shortened("a\xe2\x82\xac", 4) == "a\xe2\x82\xac");
  CHECK(shortened("a\xe2\x82\xac", 3) == "a");
  CHECK(shortened("a\xe2\x82\xac", 1) == "a");
  CHECK(shortened("\xf0\x9f\x98\x80", 3).empty());
  CHECK(shortened("\x80\x80\x80", 2).empty());
  CHECK(shortened("", 0).empty());
}
