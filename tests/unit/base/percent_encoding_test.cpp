#include "base/percent_encoding.h"

#include <doctest/doctest.h>

using namespace dske;

TEST_CASE("only the unreserved characters of RFC 3986, section 2.3, stay as they are") {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  CHECK(percent_encode(kUnreserved) == kUnreserved);
  for (int c = 0; c < 256; ++c) {
    const std::string text(1, static_cast<char>(c));
    const bool stays = kUnreserved.find(text[0]) != std::string_view::npos;
    CHECK(percent_encode(text).size() == (stays ? 1 : 3));
    CHECK(*percent_decode(percent_encode(text)) == text);
  }
  CHECK(percent_encode("a/b c\xc3\xa9%") == "a%2Fb%20c%C3%A9%25");
}

TEST_CASE("decoding takes either case, leaves plus signs and decodes once") {
  CHECK(*percent_decode("a%2fb%2F+%2525") == "a/b/+%25");
  CHECK(*percent_decode("%00") == std::string(1, '\0'));
  CHECK(percent_decode("")->empty());
}

TEST_CASE("a stray or incomplete percent sign is refused") {
  for (const std::string_view text :
       {"%", "a%", "%4", "a%4", "%4g", "%g4", "%%41", "% 41", "%+1", "%-1", "%0x41"}) {
    CAPTURE(text);
    const bool accepted = percent_decode(text).has_value();
    CHECK(!accepted);
  }
}
