// Where the bytes of a node's PSRD blocks lie, sealed: STATE_DIR/psrd/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "base/byte_stream.h"
#include "base/mutex.h"
#include "base/names.h"
#include "base/result.h"
#include "base/sealer.h"
#include "dske/psrd_layout.h"
#include "dske/psrd_store.h"
#include "store/stored_block.h"

namespace dske::store {

class BlockWriter;

/// Each block has a key of its own, which lies in the database, sealed under the node key: whoever deletes
/// that makes the file worthless. Thread-safe.
class BlockVault {
 public:
  /// ErrorKind::invalid if the key has another size.
  [[nodiscard]] static Result<std::unique_ptr<BlockVault>> open(const std::filesystem::path& state_dir,
                                                                SecretBytes node_key);

  [[nodiscard]] const Sealer& sealer() const { return sealer_; }

  /// Begins a new block's file.
  [[nodiscard]] Result<std::unique_ptr<BlockWriter>> write(const BlockId& block, const PsrdLayout& layout);
  /// Gives a finished file its final name, durably. For the transaction that adds the block: a file that no
  /// database knows is removed at the next start.
  [[nodiscard]] Result<std::shared_ptr<StoredBlock>> adopt(const BlockWriter& written);

  /// A block of the database; its file is checked for being there.
  [[nodiscard]] Result<std::shared_ptr<StoredBlock>> load(const BlockId& block, const PsrdLayout& layout,
                                                          SecretBytes key);
  /// One that was adopted or loaded; null otherwise.
  [[nodiscard]] std::shared_ptr<StoredBlock> find(const BlockId& block) const;
  /// Wipes what memory has of these leases, kept since an earlier clean stop: the owner has it now.
  void leased(Side own, const std::vector<PsrdLease>& leases);
  /// Removes a block's file. Its bytes are worthless once its key is gone.
  void remove(const BlockId& block);
  /// Removes all files but those of these blocks.
  void remove_others(const std::vector<BlockId>& blocks);

 private:
  BlockVault(std::filesystem::path directory, SecretBytes node_key)
      : directory_(std::move(directory)), sealer_(std::move(node_key)) {}
  [[nodiscard]] std::filesystem::path path_of(const BlockId& block) const;

  const std::filesystem::path directory_;
  const Sealer sealer_;
  mutable Mutex mutex_;
  std::map<BlockId, std::shared_ptr<StoredBlock>> blocks_ GUARDED_BY(mutex_);
};

/// Writes a block's bytes, in their order, sealed. Without finish() and BlockVault::adopt() nothing is left
/// of them. Not thread-safe.
class BlockWriter final : public ByteSink {
 public:
  BlockWriter(FileDescriptor file, std::filesystem::path path, const BlockId& block,
              const PsrdLayout& layout);
  ~BlockWriter() override;
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  [[nodiscard]] const BlockId& block() const { return block_; }
  [[nodiscard]] const PsrdLayout& layout() const { return zones_.layout(); }
  [[nodiscard]] ByteView key() const { return key_.view(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool finished() const { return finished_; }

  [[nodiscard]] Result<void> write(ByteView bytes) override;
  /// ErrorKind::invalid unless layout().total() bytes were written.
  [[nodiscard]] Result<void> finish() override;

 private:
  [[nodiscard]] Result<void> flush();

  FileDescriptor file_;
  const std::filesystem::path path_;
  const BlockId block_;
  const SealedZones zones_;
  const SecretBytes key_;
  AesGcm cipher_;
  std::uint64_t position_ = 0;  // of the next byte that is not sealed yet
  SecretBytes piece_;           // what is there of the piece that begins at position_
  Bytes sealed_;                // what is not written yet
  bool finished_ = false;
};

}  // namespace dske::store
