#include "base/uuid.h"

namespace dske {
namespace {

// Where the hyphens stand in the text form.
bool is_hyphen_position(std::size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Uuid Uuid::random(Randomness& randomness) {
  Uuid uuid;
  randomness.fill(uuid.bytes_);
  uuid.bytes_[6] = static_cast<std::uint8_t>((uuid.bytes_[6] & 0x0f) | 0x40);
  uuid.bytes_[8] = static_cast<std::uint8_t>((uuid.bytes_[8] & 0x3f) | 0x80);
  return uuid;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  const Error bad = invalid("not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
  if (text.size() != kTextLength) return bad;
  Uuid uuid;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_hyphen_position(i)) {
      if (text[i] != '-') return bad;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return bad;
    auto& byte = uuid.bytes_[digits / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | value);
    ++digits;
  }
  return uuid;
}

std::string Uuid::text() const {
  const Text text = characters();
  return {text.begin(), text.end()};
}

Uuid::Text Uuid::characters() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  Text text;
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes_) {
    if (is_hyphen_position(at)) text[at++] = '-';
    text[at++] = kDigits[byte >> 4];
    text[at++] = kDigits[byte & 0x0f];
  }
  return text;
}

}  // namespace dske
