#include "store/sealed_zones.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace dske::store {
namespace {

constexpr std::array<ZoneOf, 4> kZonesInOrder{{{Side::client, Zone::authenticator},
                                               {Side::client, Zone::pad},
                                               {Side::hub, Zone::authenticator},
                                               {Side::hub, Zone::pad}}};

std::uint64_t sealed_zone_bytes(std::uint64_t size) {
  const std::uint64_t pieces = (size + kPsrdPieceBytes - 1) / kPsrdPieceBytes;
  return size + pieces * AesGcm::kTagBytes;
}

}  // namespace

ZoneOf ZoneOf::at(const PsrdLayout& layout, std::uint64_t position) {
  assert(position < layout.total());
  for (const ZoneOf& each : kZonesInOrder) {
    if (position < layout.end(each.side, each.zone)) return each;
  }
  return kZonesInOrder.back();
}

std::uint64_t SealedZones::file_bytes() const {
  std::uint64_t bytes = 0;
  for (const ZoneOf& each : kZonesInOrder) bytes += sealed_zone_bytes(layout_.size(each.side, each.zone));
  return bytes;
}

SealedZones::Piece SealedZones::piece_at(std::uint64_t position) const {
  Piece piece;
  piece.zone = ZoneOf::at(layout_, position);
  for (const ZoneOf& each : kZonesInOrder) {
    if (each == piece.zone) break;
    piece.offset += sealed_zone_bytes(layout_.size(each.side, each.zone));
  }
  const std::uint64_t begin = layout_.begin(piece.zone.side, piece.zone.zone);
  piece.number = (position - begin) / kPsrdPieceBytes;
  piece.position = begin + piece.number * kPsrdPieceBytes;
  piece.size = std::min(kPsrdPieceBytes, layout_.end(piece.zone.side, piece.zone.zone) - piece.position);
  piece.offset += piece.number * (kPsrdPieceBytes + AesGcm::kTagBytes);
  return piece;
}

AesGcm::Nonce SealedZones::Piece::nonce() const {
  AesGcm::Nonce nonce{};
  nonce[0] = static_cast<std::uint8_t>(zone.index());
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[nonce.size() - 1 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return nonce;
}

}  // namespace dske::store
