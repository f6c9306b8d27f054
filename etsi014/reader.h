// The client's side of ETSI GS QKD 014 V1.1.1: reads a KME's answers, strictly.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "etsi014/api_error.h"
#include "etsi014/key_container.h"
#include "etsi014/status.h"

namespace dske::etsi014 {

/// The keys of a key container, in its order: at least one, no key ID twice, every key in standard padded
/// base64 and at least one byte. Extension objects and unknown members are ignored. Nothing of a key appears
/// in the error.
[[nodiscard]] Result<std::vector<Key>> read_key_container(std::string_view json);

/// A status with all eleven fields, each of its type, whose numbers agree with one another (checked_limits).
[[nodiscard]] Result<Status> read_status(std::string_view json);

/// The Error object of an answer with this HTTP status. Details that are not strings are kept as their JSON
/// text. An Error if the body is no Error object, which the standard allows for 401 and which proxies send.
[[nodiscard]] Result<ApiError> read_error(int http_status, std::string_view json);

}  // namespace dske::etsi014
