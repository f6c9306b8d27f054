// Streams of bytes in memory.
#pragma once

#include <algorithm>
#include <memory>

#include "base/byte_stream.h"

namespace dske::test {

/// Gives what `bytes` holds, at most `at_once` bytes at a time.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes, std::size_t at_once = SIZE_MAX)
      : bytes_(std::move(bytes)), at_once_(at_once) {}

  Result<std::size_t> read(MutableByteView bytes) override {
    const std::size_t count = std::min({bytes.size(), bytes_.size() - given_, at_once_});
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(given_), count, bytes.begin());
    given_ += count;
    return count;
  }

 private:
  Bytes bytes_;
  std::size_t at_once_;
  std::size_t given_ = 0;
};

/// What a MemorySink has taken.
struct Taken {
  Bytes bytes;
  bool finished = false;
};

class MemorySink final : public ByteSink {
 public:
  explicit MemorySink(Taken& taken) : taken_(taken) {}

  Result<void> write(ByteView bytes) override {
    taken_.bytes.insert(taken_.bytes.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<void> finish() override {
    taken_.finished = true;
    return {};
  }

 private:
  Taken& taken_;
};

/// Everything until the end.
inline Result<Bytes> read_all(ByteSource& source, std::size_t at_once = 100000) {
  Bytes all;
  Bytes piece(at_once);
  for (;;) {
    const auto count = source.read(piece);
    if (!count) return count.error();
    if (*count == 0) return all;
    all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

/// `size` bytes without a visible period.
inline Bytes some_bytes(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

}  // namespace dske::test
