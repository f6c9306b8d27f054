// The file that holds one PSRD block, sealed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/sealed_zones.h"

namespace dske::store {

/// Opened for each call, so that a node with thousands of blocks holds no descriptors for them. Thread-safe:
/// reading and wiping different bytes at the same time is fine.
class BlockFile {
 public:
  /// `key`: the block's own key, of AesGcm::kKeyBytes.
  BlockFile(std::filesystem::path path, const BlockId& block, const PsrdLayout& layout, SecretBytes key)
      : path_(std::move(path)), block_(block), zones_(layout), key_(std::move(key)) {}

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const SealedZones& zones() const { return zones_; }

  /// ErrorKind::corrupt if the file is not there or not of its size.
  [[nodiscard]] Result<void> check() const;
  /// Bytes of one zone. ErrorKind::corrupt if a piece of them does not open, because it was wiped, for
  /// example.
  [[nodiscard]] Result<SecretBytes> read(std::uint64_t position, std::uint64_t size) const;
  /// Overwrites the pieces in [begin, end) with zeros. REQUIRES: both are ends of pieces of one zone.
  [[nodiscard]] Result<void> wipe(std::uint64_t begin, std::uint64_t end) const;
  /// Makes what was wiped durable.
  [[nodiscard]] Result<void> sync() const;

 private:
  [[nodiscard]] Result<FileDescriptor> open(int flags) const;

  std::filesystem::path path_;
  BlockId block_;
  SealedZones zones_;
  SecretBytes key_;
};

}  // namespace dske::store
