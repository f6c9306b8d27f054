// JSON laid out for reading, two spaces a level.
#pragma once

#include "base/json.h"
#include "base/secret.h"

namespace dske::manager {

/// The same value with line breaks and indentation, ended by a line break. It may hold keys.
[[nodiscard]] SecretBytes pretty_json(json::Value value);

}  // namespace dske::manager
