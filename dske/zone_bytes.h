// Bytes of one zone of a PSRD block that were leased, as a pool holds them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/secret.h"

namespace dske {

/// The bytes of one lease after the other, taken from the front.
class ZoneBytes {
 public:
  /// Bytes that begin where those before them ended, or further on.
  void append(std::uint64_t begin, SecretBytes bytes) { leases_.push_back({begin, std::move(bytes), begin}); }
  /// Moves the bytes in [position, position + size) to the end of `out`, wiping them here, and gives the
  /// memory of what lies before them back. REQUIRES: they are there, in one piece.
  void take(std::uint64_t position, std::uint64_t size, SecretBytes& out);
  /// Wipes what lies below `position`.
  void drop_below(std::uint64_t position);
  /// A copy of all bytes from `position` on.
  [[nodiscard]] SecretBytes copy_from(std::uint64_t position) const;
  /// How many bytes are in memory.
  [[nodiscard]] std::uint64_t size() const;

 private:
  struct Lease {
    std::uint64_t begin;
    SecretBytes bytes;
    std::uint64_t wiped_to;  // below, all is zero
    [[nodiscard]] std::uint64_t end() const { return begin + bytes.size(); }
  };
  static void wipe_below(Lease& lease, std::uint64_t position);

  std::vector<Lease> leases_;  // few
};

}  // namespace dske
