// Keeps the set-back marker in step with the database, and acts when it finds the database behind it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "store/commit_queue.h"
#include "store/psrd_tables.h"
#include "store/set_back_marker.h"

namespace dske::store {

/// The table `generation`, one row.
extern const std::string_view kSetBackTables;

[[nodiscard]] std::filesystem::path marker_path(const std::filesystem::path& state_dir);

/// Writes the first marker of a new store, before its database is made. One that is there already stays: the
/// database that it belonged to was lost, which is a set-back too.
[[nodiscard]] Result<void> create_marker(const std::filesystem::path& state_dir);

/// The witness of leases: a lease is answered only when its generation is in the database and then in the
/// marker.
class SetBackGuard final : public CommitQueue::Witness {
 public:
  struct Opening {
    std::unique_ptr<SetBackGuard> guard;
    /// Blocks that may have been used since the state to which the database was set back, wiped and removed:
    /// those that the marker or the database knows as opened; all, if the marker is missing, damaged, a
    /// copy, or does not reach back so far.
    std::vector<BlockId> dropped;
  };

  /// Compares the marker with the database.
  [[nodiscard]] static Result<Opening> open(Database& database, BlockVault& vault,
                                            const std::filesystem::path& state_dir, Side own);

  Result<void> before_commit(Database& database) override;
  Result<void> after_commit(Database& database) override;

 private:
  SetBackGuard(std::filesystem::path path, SetBackMarker marker)
      : path_(std::move(path)), marker_(std::move(marker)) {}

  std::filesystem::path path_;
  SetBackMarker marker_;
};

}  // namespace dske::store
