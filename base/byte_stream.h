// Bytes that come and go in pieces, so that a large file needs little memory.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"

namespace dske {

/// Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Reads up to as many bytes as `bytes` holds; 0 only at the end. What was read must not be relied on
  /// before the end has been reached without an error: a source may check a whole only there.
  [[nodiscard]] virtual Result<std::size_t> read(MutableByteView bytes) = 0;
};

/// Not thread-safe.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  [[nodiscard]] virtual Result<void> write(ByteView bytes) = 0;
  /// Writes what is left and makes everything durable. Without it, nothing of what was written is left.
  [[nodiscard]] virtual Result<void> finish() = 0;
};

}  // namespace dske
