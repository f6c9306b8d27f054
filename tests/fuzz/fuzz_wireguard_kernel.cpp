// What the kernel answers about its WireGuard devices: nothing that is malformed gets in, and a peer that got
// in can be added again. An input is one datagram.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wireguard/endpoint.h"
#include "wireguard/kernel_answers.h"
#include "wireguard/kernel_requests.h"
#include "wireguard/netlink.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dske::wireguard;
  constexpr std::uint16_t kFamily = 32;
  if (size > kNetlinkBytesMost) return 0;
  const auto datagram = dske::SecretBytes::copy_of(dske::ByteView(data, size));  // aligned
  KernelDeviceAnswer device(kFamily, "wg1");
  (void)device.take(datagram.view());
  const auto state = device.finish();
  for (const PeerState& peer : state.peers) {
    if (peer.preshared_key.size() != 32) std::abort();
    for (const AllowedIp& ip : peer.allowed_ips) {
      if (ip.address.size() != 4 && ip.address.size() != 16) std::abort();
      if (ip.prefix_bits > 8 * ip.address.size()) std::abort();
    }
    if (!kernel_replace(kFamily, "wg1", peer)) std::abort();
  }
  KernelFamilyAnswer family;
  const auto found = family.take(datagram.view());
  if (found && *found) (void)family.family();
  KernelDoneAnswer done(kFamily, "wg1", 2);
  (void)done.take(datagram.view());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = endpoint_address(std::string(text))) {
    const auto again = endpoint_text(*address);
    const auto same = again ? endpoint_address(*again) : address;
    if (!again || !same || *same != *address) std::abort();
  }
  return 0;
}
