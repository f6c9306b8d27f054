// What a WireGuard device answers, and what a helper and its adapter send each other: nothing that is
// malformed gets in.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wireguard/helper_protocol.h"
#include "wireguard/uapi.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dske::wireguard;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto device = parse_uapi_device(text)) {
    for (const PeerState& peer : device->peers) {
      if (peer.preshared_key.size() != 32) std::abort();
      for (const AllowedIp& ip : peer.allowed_ips) {
        if (ip.prefix_bits > 8 * ip.address.size()) std::abort();
      }
      if (uapi_replace(peer).empty()) std::abort();
    }
  }
  (void)parse_uapi_errno(text);
  const dske::ByteView packet(data, size);
  if (const auto request = decode_helper_request(packet)) {
    const auto again = encode(*request);
    const auto second = decode_helper_request(again.view());
    if (!second || second->interface != request->interface || second->peer != request->peer) std::abort();
  }
  (void)decode_observation(packet);
  (void)decode_done(packet);
  return 0;
}
