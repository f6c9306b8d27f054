// The JSON form of a PSRD file (docs/protocol.md, section 1.2).
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "psrdfile/psrd_header.h"

namespace dske {

/// One that lies in memory.
struct PsrdFile : PsrdHeader {
  SecretBytes data;  ///< both halves, layout.total() bytes

  /// The file's text.
  [[nodiscard]] SecretBytes write() const;
  /// Checks everything: form, sizes, checksum. The error says what is wrong.
  [[nodiscard]] static Result<PsrdFile> parse(std::string_view text);
};

}  // namespace dske
