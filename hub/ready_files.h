// The PSRD files that wait to be carried to clients: STATE_DIR/psrd-out/CLIENT/BLOCK_UUID.json, or .psrd if
// they are large.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/names.h"
#include "base/result.h"

namespace dske::hub {

/// One of them.
struct ReadyFile {
  BlockId block;
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

/// The folder as it is at the moment of each call; operators take files out of it at any time. Thread-safe.
/// Waits for the disk.
class ReadyFiles {
 public:
  explicit ReadyFiles(const std::filesystem::path& state_dir) : directory_(state_dir / "psrd-out") {}

  [[nodiscard]] std::filesystem::path directory_of(const ClientName& client) const {
    return directory_ / client.text();
  }
  /// A client's whole files, in the order of their block ids. Files with other names are not looked at.
  [[nodiscard]] std::vector<ReadyFile> of(const ClientName& client) const;
  /// Wipes and removes a block's file; no error if there is none.
  [[nodiscard]] Result<void> wipe(const ClientName& client, const BlockId& block) const;
  /// Wipes and removes all of a client's files and its folder.
  [[nodiscard]] Result<void> wipe_all(const ClientName& client) const;
  /// Wipes and removes what a process that was killed left unfinished, for all clients. Nobody may be
  /// writing.
  [[nodiscard]] Result<void> remove_unfinished() const;

 private:
  std::filesystem::path directory_;
};

}  // namespace dske::hub
