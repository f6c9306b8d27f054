// What is said to the kernel's WireGuard: generic netlink, family "wireguard" (linux/wireguard.h). Requests
// may hold pre-shared keys. An interface's name has at most 15 bytes.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "wireguard/device_state.h"

namespace dske::wireguard {

/// The most allowed IPs of a peer; each takes up to 40 bytes.
inline constexpr std::size_t kKernelAllowedIpsMost = 65536;

/// One datagram for the kernel: one message or several, which the kernel carries out in their order.
struct KernelRequest {
  SecretBytes datagram;
  std::uint32_t messages = 1;  ///< numbered from 1 on
};

/// The family's number, which differs from kernel to kernel, is asked for by its name.
[[nodiscard]] KernelRequest kernel_get_family();
[[nodiscard]] KernelRequest kernel_get_device(std::uint16_t family, const std::string& interface);

/// These change a peer that exists; one that does not exist the kernel passes over in silence.
[[nodiscard]] KernelRequest kernel_set_key(std::uint16_t family, const std::string& interface,
                                           const PublicKey& peer, ByteView preshared_key);
[[nodiscard]] KernelRequest kernel_set_keepalive(std::uint16_t family, const std::string& interface,
                                                 const PublicKey& peer, std::uint16_t seconds);

/// Removes the peer and adds it again with what `state` holds. Up to 1024 allowed IPs: in one message, for
/// the kernel one transaction. More follow update-only in further messages of the same datagram, which the
/// kernel carries out whole even if this process ends meanwhile. Between two of them the peer has its new key
/// and not yet all allowed IPs: packets for those that are missing are dropped, or go where another peer's
/// wider range leads. The same holds, for any peer, between its removal and its return. If the kernel refuses
/// a message (it is out of memory), the peer keeps what the others brought.
///
/// ErrorKind::invalid, before anything is sent, if the endpoint is none or the allowed IPs are too many.
[[nodiscard]] Result<KernelRequest> kernel_replace(std::uint16_t family, const std::string& interface,
                                                   const PeerState& state);

}  // namespace dske::wireguard
