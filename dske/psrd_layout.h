// How a PSRD block is divided (docs/protocol.md, section 1.1).
#pragma once

#include <cstdint>

#include "base/result.h"

namespace dske {

/// Whose half of a block: the owner allocates from it, for what it sends.
enum class Side { client, hub };
/// What the bytes of a zone are for; a byte of one is never used as the other.
enum class Zone { authenticator, pad };

[[nodiscard]] constexpr Side other_side(Side side) {
  return side == Side::client ? Side::hub : Side::client;
}

/// How large one half of a block is to be, and how much of it is for authenticators.
struct PsrdHalf {
  static constexpr unsigned kUsualPercent = 25;

  PsrdHalf(std::uint64_t size, unsigned percent = kUsualPercent)  // NOLINT(*-explicit-*)
      : bytes(size), authenticator_percent(percent) {}
  std::uint64_t bytes;
  unsigned authenticator_percent;  ///< 1 to 99
};

/// Leases end at multiples of so many bytes from their zone's begin (or at its end), so that a store can keep
/// and wipe a zone in whole pieces.
inline constexpr std::uint64_t kPsrdPieceBytes = 512;

/// The sizes of the four zones in bytes, in the order in which they lie in the block.
struct PsrdLayout {
  std::uint64_t client_authenticator = 0;
  std::uint64_t client_pad = 0;
  std::uint64_t hub_authenticator = 0;
  std::uint64_t hub_pad = 0;

  /// The authenticators' part of each half is rounded down to whole 32-byte keys, the rest is for pads.
  [[nodiscard]] static PsrdLayout of_halves(PsrdHalf client, PsrdHalf hub);

  [[nodiscard]] std::uint64_t size(Side side, Zone zone) const;
  /// The position of a zone's first byte, and of the byte after its last.
  [[nodiscard]] std::uint64_t begin(Side side, Zone zone) const;
  [[nodiscard]] std::uint64_t end(Side side, Zone zone) const { return begin(side, zone) + size(side, zone); }
  /// The end of the piece of kPsrdPieceBytes in which the byte before `position` lies: `position` itself if a
  /// piece or the zone ends or begins there.
  [[nodiscard]] std::uint64_t piece_end(Side side, Zone zone, std::uint64_t position) const;
  [[nodiscard]] std::uint64_t half_size(Side side) const {
    return size(side, Zone::authenticator) + size(side, Zone::pad);
  }
  [[nodiscard]] std::uint64_t total() const { return half_size(Side::client) + half_size(Side::hub); }

  /// Every zone between 32 bytes and 1 GiB.
  [[nodiscard]] Result<void> check() const;

  bool operator==(const PsrdLayout&) const = default;
};

}  // namespace dske
