#include "etsi014/media_type.h"

#include <algorithm>

namespace dske::etsi014 {

bool is_json_media_type(std::string_view content_type) noexcept {
  constexpr std::string_view kJson = "application/json";
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  while (!type.empty() && (type.front() == ' ' || type.front() == '\t')) type.remove_prefix(1);
  if (type.empty()) return content_type.empty();
  return std::equal(type.begin(), type.end(), kJson.begin(), kJson.end(), [](char sent, char expected) {
    return (sent >= 'A' && sent <= 'Z' ? static_cast<char>(sent - 'A' + 'a') : sent) == expected;
  });
}

}  // namespace dske::etsi014
