// Base64 and hexadecimal (RFC 4648). The base64 code takes the same time for all contents of one length: it
// has no branch and no table that depends on the bytes, since keys, shares and pads pass through it.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske {

/// The length of the padded base64 form of `size_bytes` bytes.
[[nodiscard]] constexpr std::size_t base64_length(std::size_t size_bytes) {
  return (size_bytes + 2) / 3 * 4;
}

/// Appends the standard padded base64 form of `bytes` to `text`.
void append_base64(SecretBytes& text, ByteView bytes);

/// Standard padded base64 of bytes that are not secret.
[[nodiscard]] std::string base64_text(ByteView bytes);

/// Decodes standard padded base64; no other characters, no missing or excess padding, no stray bits in the
/// last character. Whether the text is valid may show in the time taken, its contents do not.
[[nodiscard]] Result<SecretBytes> base64_decode(std::string_view text);

/// Lower-case hexadecimal of bytes that are not secret.
[[nodiscard]] std::string hex_text(ByteView bytes);
/// Decodes an even number of hexadecimal digits of either case. Not for secrets.
[[nodiscard]] Result<Bytes> hex_decode(std::string_view text);

}  // namespace dske
