#include "base/base64.h"

#include <algorithm>
#include <string>
#include <utility>

#include <doctest/doctest.h>

using namespace dske;

namespace {

SecretBytes decoded(std::string_view text) {
  auto bytes = base64_decode(text);
  REQUIRE(bytes.has_value());
  return std::move(*bytes);
}

}  // namespace

TEST_CASE("base64 has the test vectors of RFC 4648, section 10") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    CHECK(base64_text(as_bytes(plain)) == text);
    CHECK(decoded(text).text() == plain);
    CHECK(base64_length(plain.size()) == text.size());
  }
}

TEST_CASE("every character of the alphabet is written and read") {
  // The 64 six-bit values in their order: the alphabet of RFC 4648, table 1.
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Bytes bytes;
  for (unsigned i = 0; i < 64; i += 4) {
    const unsigned group = i << 18 | (i + 1) << 12 | (i + 2) << 6 | (i + 3);
    for (const unsigned shift : {16U, 8U, 0U}) bytes.push_back(static_cast<std::uint8_t>(group >> shift));
  }
  CHECK(base64_text(bytes) == kAlphabet);
  CHECK(constant_time_equal(decoded(kAlphabet).view(), bytes));
}

TEST_CASE("bytes of any length are written as one group after the other would be") {
  Bytes bytes;
  for (std::size_t length = 0; length < 300; ++length) {
    std::string expected;
    for (std::size_t i = 0; i < length; i += 3)
      expected += base64_text(ByteView(bytes).subspan(i, std::min<std::size_t>(3, length - i)));
    CHECK(base64_text(bytes) == expected);
    CHECK(constant_time_equal(decoded(expected).view(), bytes));
    bytes.push_back(static_cast<std::uint8_t>(length * 151 + 7));
  }
}

TEST_CASE("a character outside the alphabet is refused wherever it stands") {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    const bool known = kAlphabet.find(character) != std::string_view::npos;
    for (std::size_t place = 0; place < 8; ++place) {
      std::string text = "AAAAAAAA";
      text[place] = character;
      const bool padding = character == '=' && place == 7;
      CHECK(base64_decode(text).has_value() == (known || padding));
    }
  }
}

TEST_CASE("wrong padding is refused") {
  for (const std::string_view text :
       {"Z",    "Zg",   "Zg=",  "Zm8",      "Zg===",    "====",  "=",        "==",     "===",    "Z===",
        "=AAA", "A=AA", "AA=A", "Zg==Zg==", "Zm8=Zm8=", "Zm9v=", "Zm9v====", "Zg==\n", "Zm9v\n", " Zm9v"}) {
    CAPTURE(text);
    const auto bytes = base64_decode(text);
    REQUIRE(!bytes.has_value());
    CHECK(bytes.error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("stray bits in the last character are refused: a value has one text") {
  for (const std::string_view text :
       {"Zh==", "Zv==", "Z/==", "Zm9=", "Zm+=", "Zm8B", "AAAAAB==", "AAAAAAB="}) {
    CAPTURE(text);
    CHECK(base64_decode(text).has_value() == (text == "Zm8B"));
  }
}

TEST_CASE("all lengths up to 300 survive the way there and back, and a text is appended to") {
  Bytes bytes;
  for (unsigned size = 0; size < 300; ++size) {
    SecretBytes text = SecretBytes::copy_of("before ");
    append_base64(text, bytes);
    CHECK(text.text().substr(0, 7) == "before ");
    CHECK(constant_time_equal(decoded(text.text().substr(7)).view(), bytes));
    bytes.push_back(static_cast<std::uint8_t>(size * 167 + 13));
  }
}

TEST_CASE("hexadecimal is written in lower case and read in either") {
  const Bytes bytes{0x00, 0x1f, 0xa0, 0xff};
  CHECK(hex_text(bytes) == "001fa0ff");
  CHECK(*hex_decode("001fa0ff") == bytes);
  CHECK(*hex_decode("001FA0fF") == bytes);
  CHECK(hex_decode("")->empty());
}

TEST_CASE("what is not an even number of hexadecimal digits is refused") {
  for (const std::string_view text :
       {"0", "abc", "0g", "g0", "0x", " 00", "00 ", "0:", "0/", "0@", "0`", "-1"}) {
    CAPTURE(text);
    CHECK(!hex_decode(text).has_value());
  }
}
