// A file beside the database that tells how far the database has been: a database set back to an earlier
// state (a restored backup or snapshot of it) is found behind it, and PSRD that was used since is not used
// again.
//
// It also tells when the file that holds it was made: if it is set back together with the database, by
// whatever copies files, it lies in a file that was made at another time. It cannot tell anything if the
// whole file system is set back (a snapshot of the machine or its disk); then the positions that both sides
// exchange at registration are what is left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/names.h"
#include "base/result.h"

namespace dske::store {

/// What the file says. The generation grows with every commit that holds a lease.
struct SetBackMarker {
  /// Ids beyond these are forgotten, the oldest first, so the file stays small.
  static constexpr std::size_t kOpenedMost = 256;

  struct Opened {
    BlockId block;
    std::uint64_t generation = 0;  ///< in which its first lease was taken
    bool operator==(const Opened&) const = default;
  };

  std::uint64_t generation = 0;
  /// `opened` names all blocks that were opened in generations after this one.
  std::uint64_t complete_after = 0;
  std::vector<Opened> opened;  ///< in the order of their generations
  /// From read(): the file is a copy, so it may be of any earlier time, and the database beside it too. One
  /// from which nothing was taken yet is not called so: nodes are prepared elsewhere and copied to where they
  /// work.
  bool copied = false;

  /// Adds a block of a generation that is not below the last one's.
  void note_opened(const BlockId& block, std::uint64_t opened_in);

  /// Nothing if there is no such file or it is damaged; an error if it cannot be read.
  [[nodiscard]] static Result<std::optional<SetBackMarker>> read(const std::filesystem::path& path);
  /// Replaces the file; on return it is on disk.
  [[nodiscard]] Result<void> write(const std::filesystem::path& path) const;

  bool operator==(const SetBackMarker&) const = default;
};

}  // namespace dske::store
