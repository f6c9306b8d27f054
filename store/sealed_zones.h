// How a PSRD block lies sealed in its file: in pieces, each of which opens, and is wiped, by itself.
#pragma once

#include <cstdint>

#include "base/aes_gcm.h"
#include "base/bytes.h"
#include "base/names.h"
#include "dske/psrd_layout.h"

namespace dske::store {

/// A zone, of either half.
struct ZoneOf {
  Side side = Side::client;
  Zone zone = Zone::authenticator;

  /// From 0 to 3, in the order in which the zones lie in the block.
  [[nodiscard]] std::size_t index() const {
    return (side == Side::client ? 0U : 2U) + (zone == Zone::authenticator ? 0U : 1U);
  }
  /// The zone in which `position` lies. REQUIRES: position < layout.total().
  [[nodiscard]] static ZoneOf at(const PsrdLayout& layout, std::uint64_t position);
  bool operator==(const ZoneOf&) const = default;
};

/// Each zone is a row of pieces of kPsrdPieceBytes, the last one perhaps shorter; the sealed form of each is
/// longer by a tag. The zones follow each other as in the block.
class SealedZones {
 public:
  explicit SealedZones(const PsrdLayout& layout) : layout_(layout) {}

  [[nodiscard]] const PsrdLayout& layout() const { return layout_; }
  /// The size of the whole file.
  [[nodiscard]] std::uint64_t file_bytes() const;

  /// One piece.
  struct Piece {
    ZoneOf zone;
    std::uint64_t number = 0;    ///< within its zone
    std::uint64_t position = 0;  ///< of its first byte in the block
    std::uint64_t size = 0;
    std::uint64_t offset = 0;  ///< of its sealed form in the file

    [[nodiscard]] std::uint64_t end() const { return position + size; }
    [[nodiscard]] std::uint64_t sealed_size() const { return size + AesGcm::kTagBytes; }
    /// Every piece is sealed once under its block's key, so its place is its nonce.
    [[nodiscard]] AesGcm::Nonce nonce() const;
  };
  /// The piece that holds `position`.
  [[nodiscard]] Piece piece_at(std::uint64_t position) const;

 private:
  PsrdLayout layout_;
};

}  // namespace dske::store
