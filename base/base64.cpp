#include "base/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace dske {
namespace {

// 0xff if low <= value <= high, else 0; values up to 255, without a branch.
unsigned in_range(unsigned value, unsigned low, unsigned high) {
  return (((low - 1 - value) & (value - high - 1)) >> 8) & 0xff;
}

// 16 groups of three bytes at a time: as many as a compiler likes to handle together.
constexpr std::size_t kGroups = 16;

// The characters of 6-bit values: an offset that changes after 25, 51, 61 and 62. Signed numbers are shifted
// to all ones or zeros, so there is nothing to branch on, and the loop becomes vector code.
void encode_digits(const std::array<std::int16_t, 4 * kGroups>& values,
                   std::array<std::uint8_t, 4 * kGroups>& characters) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int16_t value = values[i];
    const int offset =
        'A' + (((25 - value) >> 15) & ('a' - 26 - 'A')) + (((51 - value) >> 15) & ('0' - 52 - ('a' - 26))) +
        (((61 - value) >> 15) & ('+' - 62 - ('0' - 52))) + (((62 - value) >> 15) & ('/' - 63 - ('+' - 62)));
    characters[i] = static_cast<std::uint8_t>(value + offset);
  }
}

// Up to kGroups groups; missing bytes are zeros.
void encode_groups(ByteView bytes, std::array<std::uint8_t, 4 * kGroups>& characters) {
  std::array<std::int16_t, 4 * kGroups> values{};
  for (std::size_t i = 0; 3 * i < bytes.size(); ++i) {
    const std::size_t left = bytes.size() - 3 * i;
    const unsigned group = static_cast<unsigned>(bytes[3 * i]) << 16 |
                           (left > 1 ? static_cast<unsigned>(bytes[3 * i + 1]) << 8 : 0U) |
                           (left > 2 ? static_cast<unsigned>(bytes[3 * i + 2]) : 0U);
    values[4 * i] = static_cast<std::int16_t>(group >> 18);
    values[4 * i + 1] = static_cast<std::int16_t>(group >> 12 & 0x3f);
    values[4 * i + 2] = static_cast<std::int16_t>(group >> 6 & 0x3f);
    values[4 * i + 3] = static_cast<std::int16_t>(group & 0x3f);
  }
  encode_digits(values, characters);
  wipe({reinterpret_cast<std::uint8_t*>(values.data()), sizeof values});
}

// The 6-bit value of a character, plus 0x100 if it is none of base64's.
unsigned decode_digit(char text) {
  const auto c = static_cast<unsigned>(static_cast<unsigned char>(text));
  const unsigned upper = in_range(c, 'A', 'Z');
  const unsigned lower = in_range(c, 'a', 'z');
  const unsigned digit = in_range(c, '0', '9');
  const unsigned plus = in_range(c, '+', '+');
  const unsigned slash = in_range(c, '/', '/');
  const unsigned known = upper | lower | digit | plus | slash;
  const unsigned value =
      (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) | (slash & 63);
  return (value & 0x3f) | ((~known & 0xff) << 8 & 0x100);
}

}  // namespace

void append_base64(SecretBytes& text, ByteView bytes) {
  text.reserve(text.size() + base64_length(bytes.size()));
  std::array<std::uint8_t, 4 * kGroups> characters{};
  for (std::size_t i = 0; i < bytes.size(); i += 3 * kGroups) {
    const ByteView some = bytes.subspan(i, std::min(3 * kGroups, bytes.size() - i));
    encode_groups(some, characters);
    const std::size_t length = base64_length(some.size());
    const std::size_t padding = (3 - some.size() % 3) % 3;
    for (std::size_t j = 1; j <= padding; ++j) characters[length - j] = '=';
    text.append(ByteView(characters).first(length));
  }
  wipe(characters);
}

std::string base64_text(ByteView bytes) {
  SecretBytes text;
  append_base64(text, bytes);
  return std::string(text.text());
}

Result<SecretBytes> base64_decode(std::string_view text) {
  const Error bad = invalid("not standard padded base64");
  if (text.size() % 4 != 0) return bad;
  std::size_t padding = 0;
  if (!text.empty()) padding = text.back() != '=' ? 0 : text[text.size() - 2] != '=' ? 1 : 2;
  SecretBytes bytes(text.size() / 4 * 3 - padding);
  std::uint8_t* out = bytes.data();
  unsigned wrong = 0;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t missing = i + 4 == text.size() ? padding : 0;
    const unsigned a = decode_digit(text[i]);
    const unsigned b = decode_digit(text[i + 1]);
    const unsigned c = missing < 2 ? decode_digit(text[i + 2]) : 0;
    const unsigned d = missing < 1 ? decode_digit(text[i + 3]) : 0;
    wrong |= (a | b | c | d) & 0x100;
    const unsigned group = (a & 0x3f) << 18 | (b & 0x3f) << 12 | (c & 0x3f) << 6 | (d & 0x3f);
    if (missing == 2) wrong |= group & 0xffff;
    if (missing == 1) wrong |= group & 0xff;
    *out++ = static_cast<std::uint8_t>(group >> 16);
    if (missing < 2) *out++ = static_cast<std::uint8_t>(group >> 8);
    if (missing < 1) *out++ = static_cast<std::uint8_t>(group);
  }
  if (wrong != 0) return bad;
  return bytes;
}

std::string hex_text(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 0x0f]);
  }
  return text;
}

Result<Bytes> hex_decode(std::string_view text) {
  const Error bad = invalid("not an even number of hexadecimal digits");
  if (text.size() % 2 != 0) return bad;
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  unsigned value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return bad;
    }
    value = value << 4 | digit;
    if (i % 2 == 1) {
      bytes.push_back(static_cast<std::uint8_t>(value));
      value = 0;
    }
  }
  return bytes;
}

}  // namespace dske
