// Percent-encoding (RFC 3986) for SAE IDs in URLs and file names.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace dske {

/// Encodes every byte but the unreserved characters A-Z a-z 0-9 - . _ ~.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// Decodes %XX; a stray or incomplete % is an error. "+" stays "+".
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

}  // namespace dske
