// "Get key with key IDs" (ETSI GS QKD 014 V1.1.1, clauses 5.3 and 6.4): which keys a slave SAE asks for.
#pragma once

#include <string_view>
#include <vector>

#include "base/names.h"
#include "etsi014/api_error.h"

namespace dske::etsi014 {

/// Reads the key IDs from the query of the URL (one key_ID; as received, without the "?") or from the JSON
/// body (key_IDs), in the same way for GET and POST, but not from both. At least one, each once; the number
/// is bounded by the size of the body alone. key_ID_extension, key_IDs_extension and unknown members are
/// ignored.
[[nodiscard]] ApiResult<std::vector<KeyId>> parse_key_ids_request(std::string_view query,
                                                                  std::string_view body);

}  // namespace dske::etsi014
