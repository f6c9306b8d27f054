#include "wireguard/kernel_messages.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include "base/file.h"
#include "wireguard/endpoint.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kPeersMost = 4096;
constexpr std::size_t kAllowedIpsMost = 65536;  // of one peer
// An attribute's length has 16 bits, and all peers of a message are in one: an allowed IP takes up to 40
// bytes.
constexpr std::size_t kAllowedIpsPerMessage = 1024;
constexpr std::size_t kMessageBytesMost = std::size_t{64} << 10;
constexpr std::size_t kInterfaceNameMost = 15;  // IFNAMSIZ without its zero
constexpr std::int64_t kSecondsMost = 9'000'000'000;

// One message in the making.
class Message {
 public:
  Message(std::uint16_t type, std::uint8_t command, std::uint8_t version, std::uint16_t flags,
          std::uint32_t sequence)
      : buffer_(kMessageBytesMost), header_(::mnl_nlmsg_put_header(buffer_.data())) {
    header_->nlmsg_type = type;
    header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    header_->nlmsg_seq = sequence;
    auto* const generic = static_cast<genlmsghdr*>(::mnl_nlmsg_put_extra_header(header_, sizeof(genlmsghdr)));
    generic->cmd = command;
    generic->version = version;
  }

  void put(std::uint16_t type, ByteView value) {
    [[maybe_unused]] const bool fits =
        ::mnl_attr_put_check(header_, buffer_.size(), type, value.size(), value.data());
    assert(fits);
  }
  void put(std::uint16_t type, const std::string& text) {
    put(type, {as_bytes(text).data(), text.size() + 1});
  }
  template <class Number>
  void put_number(std::uint16_t type, Number value) {
    put(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  // Attributes within an attribute.
  template <class Inner>
  void nest(std::uint16_t type, Inner inner) {
    nlattr* const start = ::mnl_attr_nest_start_check(header_, buffer_.size(), type);
    assert(start != nullptr);
    inner();
    ::mnl_attr_nest_end(header_, start);
  }

  [[nodiscard]] SecretBytes take() {
    buffer_.resize(header_->nlmsg_len);
    return std::move(buffer_);
  }

 private:
  SecretBytes buffer_;
  nlmsghdr* header_;
};

void put_peer(Message& message, const PublicKey& peer, std::uint32_t flags) {
  message.put(WGPEER_A_PUBLIC_KEY, peer.bytes());
  message.put_number(WGPEER_A_FLAGS, flags);
}

void put_allowed_ip(Message& message, const AllowedIp& ip) {
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
  Message message(family, WG_CMD_SET_DEVICE, WG_GENL_VERSION, NLM_F_ACK, sequence);
  message.put(WGDEVICE_A_IFNAME, interface);
  message.nest(WGDEVICE_A_PEERS, [&] { peers(message); });
  return message.take();
}

template <class Attributes>
KernelRequest update(std::uint16_t family, const std::string& interface, const PublicKey& peer,
                     Attributes attributes) {
  return {set_device(family, interface, 1, [&](Message& message) {
    message.nest(0, [&] {
      put_peer(message, peer, WGPEER_F_UPDATE_ONLY);
      attributes(message);
    });
  })};
}

// Calls `take` with every attribute's type and value; false if it does or they are malformed.
template <class Take>
bool for_each_attribute(ByteView attributes, Take take) {
  while (!attributes.empty()) {
    const auto* const attribute = reinterpret_cast<const nlattr*>(attributes.data());
    if (attributes.size() > kMessageBytesMost ||
        !::mnl_attr_ok(attribute, static_cast<int>(attributes.size()))) {
      return false;
    }
    const ByteView value(static_cast<const std::uint8_t*>(::mnl_attr_get_payload(attribute)),
                         ::mnl_attr_get_payload_len(attribute));
    if (!take(::mnl_attr_get_type(attribute), value)) return false;
    const std::size_t whole = MNL_ALIGN(static_cast<std::size_t>(attribute->nla_len));
    attributes = attributes.subspan(std::min(whole, attributes.size()));
  }
  return true;
}

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
        if (peer.allowed_ips.size() >= kAllowedIpsMost || !read_allowed_ip(one, ip)) return false;
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

KernelRequest kernel_get_family() {
  Message message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK, 1);
  message.put(CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
  return {message.take()};
}

KernelRequest kernel_get_device(std::uint16_t family, const std::string& interface) {
  Message message(family, WG_CMD_GET_DEVICE, WG_GENL_VERSION, NLM_F_DUMP, 1);
  message.put(WGDEVICE_A_IFNAME, interface);
  return {message.take()};
}

KernelRequest kernel_set_key(std::uint16_t family, const std::string& interface, const PublicKey& peer,
                             ByteView preshared_key) {
  return update(family, interface, peer,
                [&](Message& message) { message.put(WGPEER_A_PRESHARED_KEY, preshared_key); });
}

KernelRequest kernel_set_keepalive(std::uint16_t family, const std::string& interface, const PublicKey& peer,
                                   std::uint16_t seconds) {
  return update(family, interface, peer, [&](Message& message) {
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
  if (ips.size() > kAllowedIpsMost)
    return invalid(interface + ": a peer has more than " + std::to_string(kAllowedIpsMost) + " allowed IPs");
  KernelRequest request;
  request.messages = 0;
  std::size_t put = 0;
  do {
    const std::size_t end = std::min(ips.size(), put + kAllowedIpsPerMessage);
    const bool first = put == 0;
    request.datagram.append(
        set_device(family, interface, ++request.messages, [&](Message& message) {
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

Result<bool> KernelAnswer::take(ByteView datagram) {
  while (!datagram.empty()) {
    const auto* const header = reinterpret_cast<const nlmsghdr*>(datagram.data());
    if (datagram.size() > kMessageBytesMost || !::mnl_nlmsg_ok(header, static_cast<int>(datagram.size())))
      return malformed(whom_);
    const ByteView payload = datagram.first(header->nlmsg_len).subspan(MNL_NLMSG_HDRLEN);
    interrupted_ = interrupted_ || (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
      int error_number = 0;  // an empty NLMSG_DONE is success
      if (payload.size() >= sizeof error_number) {
        std::memcpy(&error_number, payload.data(), sizeof error_number);
      } else if (header->nlmsg_type == NLMSG_ERROR) {
        return malformed(whom_);
      }
      auto end = end_of_message(header->nlmsg_seq, error_number);
      if (!end || *end) return end;
    } else if (header->nlmsg_type != NLMSG_NOOP) {
      genlmsghdr generic{};
      if (header->nlmsg_type != type_ || header->nlmsg_seq != answered_ + 1 ||
          payload.size() < sizeof generic)
        return malformed(whom_);
      std::memcpy(&generic, payload.data(), sizeof generic);
      if (!take_message(generic.cmd, payload.subspan(GENL_HDRLEN))) return malformed(whom_);
    }
    const std::size_t whole = MNL_ALIGN(static_cast<std::size_t>(header->nlmsg_len));
    datagram = datagram.subspan(std::min(whole, datagram.size()));
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
