// The file that something else (a post-quantum daemon, an operator) keeps equal at both ends, though not at
// the same moment.
#pragma once

#include <filesystem>
#include <utility>

#include "wireguard/exchange.h"

namespace dske::wireguard {

/// Reads the file whenever it is asked, and remembers what it held before. 32 to 4096 bytes, readable for its
/// owner alone; white space at its end does not count. Not thread-safe.
class WatchedSecretFile final : public SecretFile {
 public:
  explicit WatchedSecretFile(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] Result<SecretBytes> current() override;
  [[nodiscard]] SecretBytes tagged(const FileTag& tag, const KeyId& key) override;

 private:
  [[nodiscard]] Result<void> look();

  const std::filesystem::path path_;
  SecretBytes now_;
  SecretBytes before_;
};

}  // namespace dske::wireguard
