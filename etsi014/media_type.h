// Which bodies are taken for JSON (ETSI GS QKD 014 V1.1.1, clause 4: application/json).
#pragma once

#include <string_view>

namespace dske::etsi014 {

/// Whether a body with this Content-Type (RFC 9110, 8.3: any case, any parameters) may be read as JSON.
/// Without one, an empty text, it may: some clients send none.
[[nodiscard]] bool is_json_media_type(std::string_view content_type) noexcept;

}  // namespace dske::etsi014
