// The bytes of a PSRD block, wherever they lie.
#pragma once

#include <cstdint>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske {

/// Positions count from the block's start. Thread-safe.
class PsrdBytes {
 public:
  PsrdBytes() = default;
  virtual ~PsrdBytes() = default;
  PsrdBytes(const PsrdBytes&) = delete;
  PsrdBytes& operator=(const PsrdBytes&) = delete;

  /// A copy of `size` bytes. May wait for the disk. ErrorKind::corrupt if they are damaged or wiped,
  /// ErrorKind::io if they cannot be read.
  [[nodiscard]] virtual Result<SecretBytes> read(std::uint64_t position, std::uint64_t size) = 0;
  /// Wipes what there is of these bytes in memory; they will not be read again.
  virtual void forget(std::uint64_t position, std::uint64_t size) = 0;
};

/// Bytes that lie in memory alone: for tests and simulations.
class MemoryPsrdBytes final : public PsrdBytes {
 public:
  explicit MemoryPsrdBytes(SecretBytes bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] Result<SecretBytes> read(std::uint64_t position, std::uint64_t size) override {
    const MutexLock lock(mutex_);
    if (position > bytes_.size() || size > bytes_.size() - position) {
      return Error{ErrorKind::corrupt, "PSRD beyond its block's end"};
    }
    return SecretBytes::copy_of(bytes_.view().subspan(position, size));
  }
  void forget(std::uint64_t position, std::uint64_t size) override {
    const MutexLock lock(mutex_);
    wipe(bytes_.span().subspan(position, size));
  }

 private:
  Mutex mutex_;
  SecretBytes bytes_ GUARDED_BY(mutex_);
};

}  // namespace dske
