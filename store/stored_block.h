// A PSRD block in the store, as the pools read it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/mutex.h"
#include "dske/psrd_bytes.h"
#include "store/block_file.h"

namespace dske::store {

/// Small reads are served from a window of the file that is kept in memory, so that one-time keys cost no
/// system call each. Thread-safe; nothing is read from disk while a lock is held.
///
/// Where a zone has been used up to the middle of a piece, that piece is wiped in the file and its rest, the
/// zone's "head", lies in the database: a piece is written once and never rewritten, so no power loss can
/// tear bytes that are still to be used.
class StoredBlock final : public PsrdBytes {
 public:
  /// Of a block that nothing is wiped of; see note_wiped().
  explicit StoredBlock(BlockFile file);

  [[nodiscard]] const BlockFile& file() const { return file_; }

  [[nodiscard]] Result<SecretBytes> read(std::uint64_t position, std::uint64_t size) override;
  /// Of a head nothing is wiped: what is used there is not all that lies below it, and the durable form must
  /// never hold zeros that may be taken for random bytes after a restart.
  void forget(std::uint64_t position, std::uint64_t size) override;

  /// As read(), of bytes as they lie in the head or the file.
  [[nodiscard]] Result<SecretBytes> read_durable(std::uint64_t position, std::uint64_t size);
  /// From now on these bytes, which begin at `position` and end with their piece, come from here.
  void set_head(std::uint64_t position, SecretBytes bytes);
  /// Wipes a head that has been leased.
  void drop_head(const ZoneOf& zone);

  /// Wipes pieces of a zone in the file, from where the last call ended to `end`. Where that fails, the next
  /// call or start does it.
  void wipe_used(const ZoneOf& zone, std::uint64_t end);
  /// Up to where a zone is wiped in the file, durably or not; before wipe_used(), what note_wiped() said.
  [[nodiscard]] std::uint64_t wiped_to(const ZoneOf& zone) const { return wiped_to_.at(zone.index()); }
  void note_wiped(const ZoneOf& zone, std::uint64_t end) { wiped_to_.at(zone.index()) = end; }

 private:
  static constexpr std::uint64_t kWindowBytes = 8 * kPsrdPieceBytes;

  struct Part {
    std::uint64_t begin = 0;
    SecretBytes bytes;

    [[nodiscard]] std::uint64_t end() const { return begin + bytes.size(); }
    [[nodiscard]] bool holds(std::uint64_t position) const { return position >= begin && position < end(); }
    void wipe_between(std::uint64_t from, std::uint64_t to);
  };
  enum class Windows { used, not_used };
  [[nodiscard]] Result<SecretBytes> read_by(Windows windows, std::uint64_t position, std::uint64_t size);
  /// Appends what is in memory from `position` on, up to `end`; answers how much that was.
  [[nodiscard]] std::uint64_t copy_from_memory(Windows windows, std::uint64_t position, std::uint64_t end,
                                               SecretBytes& out);

  const BlockFile file_;
  std::array<std::atomic<std::uint64_t>, 4> wiped_to_{};  // by ZoneOf::index()
  Mutex mutex_;
  std::array<Part, 4> heads_ GUARDED_BY(mutex_);    // by ZoneOf::index()
  std::array<Part, 4> windows_ GUARDED_BY(mutex_);  // the same
};

}  // namespace dske::store
