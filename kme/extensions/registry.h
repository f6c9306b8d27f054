// The extension parameters that this KME knows. To add one, write its file beside this one and name it in
// registry.cpp.
#pragma once

#include <span>
#include <string_view>

#include "kme/extensions/extension.h"

namespace dske::kme {

/// All names, for etsi014::parse_key_request().
[[nodiscard]] std::span<const std::string_view> extension_names();
/// Null if there is none of this name.
[[nodiscard]] const Extension* find_extension(std::string_view name);

}  // namespace dske::kme
