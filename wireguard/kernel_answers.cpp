#include "wireguard/kernel_answers.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include "base/file.h"
#include "wireguard/endpoint.h"
#include "wireguard/kernel_requests.h"
#include "wireguard/netlink.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kPeersMost = 4096;
constexpr std::int64_t kSecondsMost = 9'000'000'000;

template <class Number>
bool read(ByteView value, Number& into) {
  if (value.size() != sizeof into) return false;
  std::memcpy(&into, value.data(), sizeof into);
  return true;
}

bool read_key(ByteView value, PublicKey& into) {
  const auto key = PublicKey::from_bytes(value);
  if (key) into = *key;
  return key.has_value();
}

// Zero-terminated.
bool is_text(ByteView value, const std::string& expected) {
  return value.size() == expected.size() + 1 && as_text(value).substr(0, expected.size()) == expected &&
         value.back() == 0;
}

bool read_allowed_ip(ByteView attributes, AllowedIp& ip) {
  std::uint16_t family = 0;
  std::optional<std::uint8_t> bits;
  const bool whole = for_each_attribute(attributes, [&](std::uint16_t type, ByteView value) {
    if (type == WGALLOWEDIP_A_FAMILY) return read(value, family);
    if (type == WGALLOWEDIP_A_IPADDR) ip.address.assign(value.begin(), value.end());
    if (type == WGALLOWEDIP_A_CIDR_MASK) return read(value, bits.emplace());
    return true;
  });
  const std::size_t size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
  if (!whole || size == 0 || ip.address.size() != size || !bits || *bits > 8 * size) return false;
  ip.prefix_bits = *bits;
  return true;
}

bool read_handshake(ByteView value, std::optional<std::int64_t>& nanos) {
  __kernel_timespec time{};
  if (!read(value, time) || time.tv_sec < 0 || time.tv_sec > kSecondsMost || time.tv_nsec < 0 ||
      time.tv_nsec >= 1'000'000'000) {
    return false;
  }
  if (time.tv_sec > 0 || time.tv_nsec > 0) nanos = time.tv_sec * 1'000'000'000 + time.tv_nsec;
  return true;
}

// Attributes that are not listed are for other tools.
bool read_peer_attribute(std::uint16_t type, ByteView value, PeerState& peer) {
  switch (type) {
    case WGPEER_A_PRESHARED_KEY:
      if (value.size() != WG_KEY_LEN) return false;
      peer.preshared_key = SecretBytes::copy_of(value);
      return true;
    case WGPEER_A_ENDPOINT: {
      auto endpoint = endpoint_text(value);
      if (endpoint) peer.endpoint = std::move(*endpoint);
      return endpoint.has_value();
    }
    case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
      return read(value, peer.keepalive_seconds);
    case WGPEER_A_LAST_HANDSHAKE_TIME:
      return read_handshake(value, peer.last_handshake_nanos);
    case WGPEER_A_TX_BYTES:
      return read(value, peer.sent_bytes);
    case WGPEER_A_ALLOWEDIPS:
      return for_each_attribute(value, [&](std::uint16_t, ByteView one) {
        AllowedIp ip;
        if (peer.allowed_ips.size() >= kKernelAllowedIpsMost || !read_allowed_ip(one, ip)) return false;
        peer.allowed_ips.push_back(std::move(ip));
        return true;
      });
    default:
      return true;
  }
}

Error malformed(const std::string& whom) {
  return {ErrorKind::corrupt, whom + ": the kernel's answer is malformed"};
}

}  // namespace

Result<bool> KernelAnswer::take(ByteView datagram) {
  while (!datagram.empty()) {
    const auto message = next_message(datagram);
    if (!message) return malformed(whom_);
    interrupted_ = interrupted_ || (message->flags & NLM_F_DUMP_INTR) != 0;
    const ByteView payload = message->payload;
    if (message->type == NLMSG_ERROR || message->type == NLMSG_DONE) {
      int error_number = 0;  // an empty NLMSG_DONE is success
      if (payload.size() >= sizeof error_number) {
        std::memcpy(&error_number, payload.data(), sizeof error_number);
      } else if (message->type == NLMSG_ERROR) {
        return malformed(whom_);
      }
      auto end = end_of_message(message->sequence, error_number);
      if (!end || *end) return end;
    } else if (message->type != NLMSG_NOOP) {
      genlmsghdr generic{};
      if (message->type != type_ || message->sequence != answered_ + 1 || payload.size() < sizeof generic)
        return malformed(whom_);
      std::memcpy(&generic, payload.data(), sizeof generic);
      if (!take_message(generic.cmd, payload.subspan(GENL_HDRLEN))) return malformed(whom_);
    }
  }
  return false;
}

Result<bool> KernelAnswer::end_of_message(std::uint32_t sequence, int error_number) {
  if (sequence != answered_ + 1 || error_number > 0 || error_number < -4095) return malformed(whom_);
  if (error_number != 0) return refused(-error_number);
  if (interrupted_)
    return Error{ErrorKind::unavailable, whom_ + ": the device was changed while the kernel showed it"};
  return ++answered_ == messages_;
}

Error KernelAnswer::refused(int error_number) const {
  switch (error_number) {
    case ENODEV:
      return {ErrorKind::not_found, "the kernel has no device " + whom_ + " in this network namespace"};
    case EOPNOTSUPP:
      return {ErrorKind::not_found, whom_ + " is no WireGuard device of the kernel"};
    case EPERM:
      return {ErrorKind::forbidden,
              whom_ + ": the kernel's WireGuard devices are for processes with CAP_NET_ADMIN alone"};
    default:
      return io_error("the kernel refuses a request for the WireGuard device " + whom_, error_number);
  }
}

KernelFamilyAnswer::KernelFamilyAnswer() : KernelAnswer(GENL_ID_CTRL, 1, "WireGuard") {}

bool KernelFamilyAnswer::take_message(std::uint8_t command, ByteView attributes) {
  return command == CTRL_CMD_NEWFAMILY &&
         for_each_attribute(attributes, [&](std::uint16_t type, ByteView value) {
           if (type == CTRL_ATTR_FAMILY_NAME) return is_text(value, WG_GENL_NAME);
           return type != CTRL_ATTR_FAMILY_ID || (read(value, family_) && family_ >= GENL_MIN_ID);
         });
}

Error KernelFamilyAnswer::refused(int error_number) const {
  if (error_number == ENOENT)
    return {ErrorKind::not_found, "this kernel has no WireGuard (is its module wireguard loaded?)"};
  return KernelAnswer::refused(error_number);
}

Result<std::uint16_t> KernelFamilyAnswer::family() const {
  if (family_ == 0) return malformed(whom());
  return family_;
}

bool KernelDeviceAnswer::take_message(std::uint8_t command, ByteView attributes) {
  return command == WG_CMD_GET_DEVICE &&
         for_each_attribute(attributes, [&](std::uint16_t type, ByteView value) {
           if (type == WGDEVICE_A_IFNAME) return is_text(value, whom());
           if (type == WGDEVICE_A_PUBLIC_KEY) return read_key(value, device_.public_key);
           return type != WGDEVICE_A_PEERS || take_peers(value);
         });
}

bool KernelDeviceAnswer::take_peers(ByteView attributes) {
  bool is_first = true;
  return for_each_attribute(attributes, [&](std::uint16_t, ByteView peer) {
    return take_peer(peer, std::exchange(is_first, false));
  });
}

bool KernelDeviceAnswer::take_peer(ByteView attributes, bool may_continue) {
  std::optional<PublicKey> key;
  const bool whole = for_each_attribute(attributes, [&](std::uint16_t type, ByteView value) {
    return type != WGPEER_A_PUBLIC_KEY || read_key(value, key.emplace());
  });
  if (!whole || !key) return false;
  std::vector<PeerState>& peers = device_.peers;
  if (!may_continue || peers.empty() || peers.back().public_key != *key) {
    if (peers.size() >= kPeersMost) return false;
    PeerState fresh;
    fresh.public_key = *key;
    fresh.preshared_key = SecretBytes(WG_KEY_LEN);
    peers.push_back(std::move(fresh));
  }
  return for_each_attribute(attributes, [&](std::uint16_t type, ByteView value) {
    return read_peer_attribute(type, value, peers.back());
  });
}

bool KernelDoneAnswer::take_message(std::uint8_t /*command*/, ByteView /*attributes*/) {
  return false;
}

}  // namespace dske::wireguard
