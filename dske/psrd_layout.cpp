#include "dske/psrd_layout.h"

#include <algorithm>

namespace dske {
namespace {

constexpr std::uint64_t kZoneLeast = 32;
constexpr std::uint64_t kZoneMost = std::uint64_t{1} << 30;

constexpr std::uint64_t kHundred = 100;

std::uint64_t authenticator_share(const PsrdHalf& half) {
  // Of the two parts, so that large halves do not overflow.
  const std::uint64_t share = half.bytes / kHundred * half.authenticator_percent +
                              half.bytes % kHundred * half.authenticator_percent / kHundred;
  return share / kZoneLeast * kZoneLeast;
}

}  // namespace

PsrdLayout PsrdLayout::of_halves(PsrdHalf client, PsrdHalf hub) {
  const std::uint64_t of_client = authenticator_share(client);
  const std::uint64_t of_hub = authenticator_share(hub);
  return {of_client, client.bytes - of_client, of_hub, hub.bytes - of_hub};
}

std::uint64_t PsrdLayout::size(Side side, Zone zone) const {
  if (side == Side::client) return zone == Zone::authenticator ? client_authenticator : client_pad;
  return zone == Zone::authenticator ? hub_authenticator : hub_pad;
}

std::uint64_t PsrdLayout::begin(Side side, Zone zone) const {
  const std::uint64_t half = side == Side::client ? 0 : client_authenticator + client_pad;
  return half + (zone == Zone::authenticator ? 0 : size(side, Zone::authenticator));
}

std::uint64_t PsrdLayout::piece_end(Side side, Zone zone, std::uint64_t position) const {
  const std::uint64_t first = begin(side, zone);
  const std::uint64_t pieces = (position - first + kPsrdPieceBytes - 1) / kPsrdPieceBytes;
  return std::min(first + pieces * kPsrdPieceBytes, end(side, zone));
}

Result<void> PsrdLayout::check() const {
  for (const std::uint64_t bytes : {client_authenticator, client_pad, hub_authenticator, hub_pad}) {
    if (bytes < kZoneLeast || bytes > kZoneMost) return invalid("a PSRD zone has 32 bytes to 1 GiB");
  }
  return {};
}

}  // namespace dske
