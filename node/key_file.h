// Node keys as text in files.
#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske::node {

/// A node key in base64 (RFC 4648), then at most one end of line. Who can read the file is not looked at.
[[nodiscard]] Result<SecretBytes> read_key_file(const std::filesystem::path& path);

/// Makes or replaces the file, mode 0600.
[[nodiscard]] Result<void> write_key_file(const std::filesystem::path& path, ByteView key);

/// What to tell of a node key that is not where it should be.
[[nodiscard]] Error missing_key(const std::filesystem::path& path);

}  // namespace dske::node
