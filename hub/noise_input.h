// The raw bytes of a further source of randomness: a character device, a named pipe or a file.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace dske::hub {

/// How long a read may wait for the next byte.
struct NoisePatience {
  std::chrono::milliseconds most;
  const std::atomic<bool>& is_over;  ///< becomes true when the daemon stops
};

/// Gives bytes that were not given before. Not thread-safe.
class NoiseInput {
 public:
  virtual ~NoiseInput() = default;

  /// Opens a source. A regular file's bytes are given once, also across restarts: how far it is used up is
  /// recorded in `used_file` (of the hub's state directory) before a byte of it is read, by the digest of the
  /// file's first kHeadBytes, which are never given; so neither a copy nor a file that comes back begins
  /// anew. Errors: io; invalid if it is something else (a directory, a block device).
  [[nodiscard]] static Result<std::unique_ptr<NoiseInput>> open(const std::filesystem::path& source,
                                                                const std::filesystem::path& used_file);
  static constexpr std::size_t kHeadBytes = 4096;

  /// Fills all of `bytes`. ErrorKind::unavailable when nothing comes in time, the other end of a
  /// pipe is closed, or a file is used up; io or corrupt otherwise. After an error `bytes` is worth nothing.
  [[nodiscard]] virtual Result<void> read(MutableByteView bytes, const NoisePatience& patience) = 0;
};

}  // namespace dske::hub
