// The bytes of one zone of a PSRD block, as a pool holds them.
#pragma once

#include <cstdint>
#include <utility>

#include "base/secret.h"

namespace dske {

/// Addressed by their positions in the block. Every zone has memory of its own, so that a zone that is used
/// up costs none, however much its block's other zones still hold.
class ZoneBytes {
 public:
  ZoneBytes() = default;
  /// A copy of `bytes`, which begin at this position.
  ZoneBytes(std::uint64_t begin, ByteView bytes) : begin_(begin), bytes_(SecretBytes::copy_of(bytes)) {}

  /// How many bytes are in memory.
  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] ByteView at(std::uint64_t position, std::uint64_t size) const {
    return bytes_.view().subspan(position - begin_, size);
  }
  void wipe(std::uint64_t position, std::uint64_t size) {
    dske::wipe(bytes_.span().subspan(position - begin_, size));
  }
  /// Wipes what is left and gives its memory back; at() and wipe() are not to be called any more.
  void release() { bytes_ = SecretBytes(); }

 private:
  std::uint64_t begin_ = 0;
  SecretBytes bytes_;
};

}  // namespace dske
