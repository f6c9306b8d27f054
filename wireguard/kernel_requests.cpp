#include "wireguard/kernel_requests.h"

#include <algorithm>
#include <cassert>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include "wireguard/endpoint.h"
#include "wireguard/netlink.h"

namespace dske::wireguard {
namespace {

// All peers of a message are in one attribute, whose length has 16 bits: an allowed IP takes up to 40 bytes.
constexpr std::size_t kAllowedIpsPerMessage = 1024;
[[maybe_unused]] constexpr std::size_t kInterfaceNameMost = 15;  // IFNAMSIZ without its zero

void put_peer(NetlinkMessage& message, const PublicKey& peer, std::uint32_t flags) {
  message.put(WGPEER_A_PUBLIC_KEY, peer.bytes());
  message.put_number(WGPEER_A_FLAGS, flags);
}

void put_allowed_ip(NetlinkMessage& message, const AllowedIp& ip) {
  message.nest(0, [&] {
    const std::uint16_t family = ip.address.size() == 16 ? AF_INET6 : AF_INET;
    message.put_number(WGALLOWEDIP_A_FAMILY, family);
    message.put(WGALLOWEDIP_A_IPADDR, ip.address);
    message.put_number(WGALLOWEDIP_A_CIDR_MASK, ip.prefix_bits);
  });
}

// A change of one device: `peers` puts what is within WGDEVICE_A_PEERS.
template <class Peers>
SecretBytes set_device(std::uint16_t family, const std::string& interface, std::uint32_t sequence,
                       Peers peers) {
  assert(interface.size() <= kInterfaceNameMost);
  NetlinkMessage message({family, NLM_F_ACK, sequence, WG_CMD_SET_DEVICE, WG_GENL_VERSION});
  message.put_text(WGDEVICE_A_IFNAME, interface);
  message.nest(WGDEVICE_A_PEERS, [&] { peers(message); });
  return message.take();
}

template <class Attributes>
KernelRequest update(std::uint16_t family, const std::string& interface, const PublicKey& peer,
                     Attributes attributes) {
  return {set_device(family, interface, 1, [&](NetlinkMessage& message) {
    message.nest(0, [&] {
      put_peer(message, peer, WGPEER_F_UPDATE_ONLY);
      attributes(message);
    });
  })};
}

}  // namespace

KernelRequest kernel_get_family() {
  NetlinkMessage message({GENL_ID_CTRL, NLM_F_ACK, 1, CTRL_CMD_GETFAMILY});
  message.put_text(CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
  return {message.take()};
}

KernelRequest kernel_get_device(std::uint16_t family, const std::string& interface) {
  NetlinkMessage message({family, NLM_F_DUMP, 1, WG_CMD_GET_DEVICE, WG_GENL_VERSION});
  message.put_text(WGDEVICE_A_IFNAME, interface);
  return {message.take()};
}

KernelRequest kernel_set_key(std::uint16_t family, const std::string& interface, const PublicKey& peer,
                             ByteView preshared_key) {
  return update(family, interface, peer,
                [&](NetlinkMessage& message) { message.put(WGPEER_A_PRESHARED_KEY, preshared_key); });
}

KernelRequest kernel_set_keepalive(std::uint16_t family, const std::string& interface, const PublicKey& peer,
                                   std::uint16_t seconds) {
  return update(family, interface, peer, [&](NetlinkMessage& message) {
    message.put_number(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, seconds);
  });
}

Result<KernelRequest> kernel_replace(std::uint16_t family, const std::string& interface,
                                     const PeerState& state) {
  Bytes endpoint;
  if (!state.endpoint.empty()) {
    auto address = endpoint_address(state.endpoint);
    if (!address) return address.error().within(interface);
    endpoint = std::move(*address);
  }
  const auto& ips = state.allowed_ips;
  if (ips.size() > kKernelAllowedIpsMost)
    return invalid(interface + ": a peer has more than " + std::to_string(kKernelAllowedIpsMost) +
                   " allowed IPs");
  KernelRequest request;
  request.messages = 0;
  std::size_t put = 0;
  do {
    const std::size_t end = std::min(ips.size(), put + kAllowedIpsPerMessage);
    const bool first = put == 0;
    request.datagram.append(
        set_device(family, interface, ++request.messages, [&](NetlinkMessage& message) {
          if (first) message.nest(0, [&] { put_peer(message, state.public_key, WGPEER_F_REMOVE_ME); });
          message.nest(0, [&] {
            put_peer(message, state.public_key, first ? WGPEER_F_REPLACE_ALLOWEDIPS : WGPEER_F_UPDATE_ONLY);
            if (first) message.put(WGPEER_A_PRESHARED_KEY, state.preshared_key.view());
            if (first && !endpoint.empty()) message.put(WGPEER_A_ENDPOINT, endpoint);
            message.nest(WGPEER_A_ALLOWEDIPS, [&] {
              for (; put < end; ++put) put_allowed_ip(message, ips[put]);
            });
            // With the last message: on it the kernel sends at once, and by then all else has to be there.
            if (end == ips.size())
              message.put_number(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, state.keepalive_seconds);
          });
        }).view());
  } while (put < ips.size());
  return request;
}

}  // namespace dske::wireguard
