// The checksum of a PSRD file (docs/protocol.md, section 1.2).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "psrdfile/psrd_header.h"

namespace dske {

/// SHA-256 over the header and both halves, which come in pieces of any size. It finds damage; it
/// authenticates nothing.
class PsrdChecksum {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  explicit PsrdChecksum(const PsrdHeader& header);
  ~PsrdChecksum();
  PsrdChecksum(const PsrdChecksum&) = delete;
  PsrdChecksum& operator=(const PsrdChecksum&) = delete;

  /// The block's bytes, in their order. REQUIRES: not more than its layout has.
  void add(ByteView data);
  /// REQUIRES: all bytes were added.
  [[nodiscard]] Digest finish();

 private:
  struct Hash;
  std::unique_ptr<Hash> hash_;
  std::uint64_t client_half_;
  std::uint64_t hub_half_;
  std::uint64_t added_ = 0;
};

}  // namespace dske
