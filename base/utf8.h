// UTF-8 as RFC 3629 has it.
#pragma once

#include <string>
#include <string_view>

namespace dske {

/// Whether `text` is well-formed UTF-8 (no overlong forms, no surrogates, nothing over U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Whether `text` holds a C0 or C1 control character or DEL; `text` must be UTF-8.
[[nodiscard]] bool has_control_characters(std::string_view text) noexcept;

/// `text` for a terminal or a log: C0, DEL and C1 controls as \xNN, and every byte over 0x7f too if it is not
/// UTF-8.
[[nodiscard]] std::string escape_controls(std::string_view text);

/// At most `most_bytes` of a text from its beginning, not cut within a character.
[[nodiscard]] std::string_view shortened(std::string_view text, std::size_t most_bytes);

}  // namespace dske
