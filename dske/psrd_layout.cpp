#include "dske/psrd_layout.h"

namespace dske {
namespace {

constexpr std::uint64_t kZoneLeast = 32;
constexpr std::uint64_t kZoneMost = std::uint64_t{256} << 20;

std::uint64_t authenticator_share(std::uint64_t half_bytes) {
  return half_bytes / 4 / 32 * 32;
}

}  // namespace

PsrdLayout PsrdLayout::of_halves(std::uint64_t client_bytes, std::uint64_t hub_bytes) {
  const std::uint64_t client = authenticator_share(client_bytes);
  const std::uint64_t hub = authenticator_share(hub_bytes);
  return {client, client_bytes - client, hub, hub_bytes - hub};
}

std::uint64_t PsrdLayout::size(Side side, Zone zone) const {
  if (side == Side::client) return zone == Zone::authenticator ? client_authenticator : client_pad;
  return zone == Zone::authenticator ? hub_authenticator : hub_pad;
}

std::uint64_t PsrdLayout::begin(Side side, Zone zone) const {
  const std::uint64_t half = side == Side::client ? 0 : client_authenticator + client_pad;
  return half + (zone == Zone::authenticator ? 0 : size(side, Zone::authenticator));
}

Result<void> PsrdLayout::check() const {
  for (const std::uint64_t bytes : {client_authenticator, client_pad, hub_authenticator, hub_pad}) {
    if (bytes < kZoneLeast || bytes > kZoneMost) return invalid("a PSRD zone has 32 bytes to 256 MiB");
  }
  return {};
}

}  // namespace dske
