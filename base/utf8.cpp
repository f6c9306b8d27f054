#include "base/utf8.h"

#include <cstdint>

#include <fmt/core.h>

namespace dske {

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    int more = 0;
    std::uint32_t lowest = 0;
    std::uint32_t code = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1, lowest = 0x80, code = lead & 0x1f;
    } else if ((lead & 0xf0) == 0xe0) {
      more = 2, lowest = 0x800, code = lead & 0x0f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3, lowest = 0x10000, code = lead & 0x07;
    } else {
      return false;
    }
    for (; more > 0; --more) {
      if (i == text.size()) return false;
      const auto next = static_cast<std::uint8_t>(text[i++]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    if (code < lowest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
  }
  return true;
}

bool has_control_characters(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

std::string escape_controls(std::string_view text) {
  const bool utf8 = is_utf8(text);
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<std::uint8_t>(text[i]);
    const bool c1 = utf8 && byte == 0xc2 && static_cast<std::uint8_t>(text[i + 1]) < 0xa0;
    if (c1) byte = static_cast<std::uint8_t>(text[++i]);
    if (c1 || byte < 0x20 || byte == 0x7f || (!utf8 && byte >= 0x80)) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown.push_back(text[i]);
    }
  }
  return shown;
}

std::string_view shortened(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  std::size_t end = most_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace dske
