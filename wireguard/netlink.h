// Netlink messages as bytes (RFC 3549, 2.3; linux/netlink.h, linux/genetlink.h), over libmnl. Numbers are in
// the machine's byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/secret.h"

namespace dske::wireguard {

/// The most that a message or a datagram from the kernel may have here.
inline constexpr std::size_t kNetlinkBytesMost = std::size_t{64} << 10;

/// A request of generic netlink in the making. What is put in must fit into kNetlinkBytesMost, and what is in
/// one nest into 65531 bytes: that is for the caller to know.
class NetlinkMessage {
 public:
  struct Header {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;  ///< besides NLM_F_REQUEST
    std::uint32_t sequence = 0;
    std::uint8_t command = 0;
    std::uint8_t version = 1;
  };
  explicit NetlinkMessage(const Header& header);

  void put(std::uint16_t type, ByteView value);
  /// Zero-terminated.
  void put_text(std::uint16_t type, const std::string& text);
  template <class Number>
  void put_number(std::uint16_t type, Number value) {
    put(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  /// An attribute of those that `inner` puts.
  template <class Inner>
  void nest(std::uint16_t type, Inner inner) {
    void* const start = begin_nest(type);
    inner();
    end_nest(start);
  }

  /// The message, once.
  [[nodiscard]] SecretBytes take();

 private:
  void* begin_nest(std::uint16_t type);
  void end_nest(void* start);

  SecretBytes buffer_;
};

struct NetlinkAttribute {
  std::uint16_t type = 0;
  ByteView value;
};

/// The attribute at the begin of `rest`, 4-byte aligned, which it takes off; nothing if malformed.
[[nodiscard]] std::optional<NetlinkAttribute> next_attribute(ByteView& rest);

/// Calls `take(type, value)` with every attribute; false if it answers false or they are malformed.
template <class Take>
[[nodiscard]] bool for_each_attribute(ByteView attributes, Take take) {
  while (!attributes.empty()) {
    const auto attribute = next_attribute(attributes);
    if (!attribute || !take(attribute->type, attribute->value)) return false;
  }
  return true;
}

struct NetlinkReceived {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::uint32_t sequence = 0;
  ByteView payload;
};

/// The message at the begin of `rest`, 4-byte aligned, which it takes off; nothing if malformed.
[[nodiscard]] std::optional<NetlinkReceived> next_message(ByteView& rest);

}  // namespace dske::wireguard
