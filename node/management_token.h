// The secret that whoever manages a node must show: a file that only the node's user can read.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/secret.h"

namespace dske::node {

/// Makes STATE_DIR/management.token with 32 random bytes in base64, mode 0600, unless it is there.
[[nodiscard]] Result<void> make_management_token(const std::filesystem::path& state_dir);

/// The token's text. The error says what to do when there is none.
[[nodiscard]] Result<SecretBytes> read_management_token(const std::filesystem::path& state_dir);

}  // namespace dske::node
