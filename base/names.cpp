#include "base/names.h"

#include <algorithm>

#include "base/utf8.h"

namespace dske {
namespace {

constexpr std::size_t kNodeNameMost = 64;
constexpr std::size_t kSaeIdMost = 512;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

Result<std::string> checked_node_name(std::string_view text) {
  const bool good = !text.empty() && text.size() <= kNodeNameMost && is_alphanumeric(text[0]) &&
                    std::all_of(text.begin(), text.end(), [](char c) {
                      return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
                    });
  if (!good)
    return invalid("a node's name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit");
  return std::string(text);
}

Result<std::string> checked_sae_id(std::string_view text) {
  if (text.empty() || text.size() > kSaeIdMost || !is_utf8(text) || has_control_characters(text)) {
    return invalid("an SAE ID is 1 to 512 bytes of UTF-8 without control characters");
  }
  return std::string(text);
}

}  // namespace dske
