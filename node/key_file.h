// Node keys as text in files.
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske::node {

/// ErrorKind::not_found if there is no such file, ErrorKind::invalid if anybody but its owner has rights to
/// it. `what` is its name in errors, "node key" for example.
[[nodiscard]] Result<void> check_private_file(const std::filesystem::path& path, const std::string& what);

/// A node key in base64 (RFC 4648), then at most one end of line. Who can read the file is not looked at.
[[nodiscard]] Result<SecretBytes> read_key_file(const std::filesystem::path& path);

/// Makes or replaces the file, mode 0600.
[[nodiscard]] Result<void> write_key_file(const std::filesystem::path& path, ByteView key);

/// What to tell of a node key that is not where it should be.
[[nodiscard]] Error missing_key(const std::filesystem::path& path);

}  // namespace dske::node
