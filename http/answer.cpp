#include <algorithm>

#include "http/client.h"
#include "http/request_head.h"

namespace dske::http {

std::string_view Answer::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const Header& header) {
    return equal_ignoring_case(header.name, name);
  });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

}  // namespace dske::http
