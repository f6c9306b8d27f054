#include "wireguard/netlink.h"

#include <algorithm>
#include <cassert>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

namespace dske::wireguard {
namespace {

nlmsghdr* header_of(SecretBytes& buffer) {
  return reinterpret_cast<nlmsghdr*>(buffer.data());
}

// The padding behind the last one may be missing.
void take_off(ByteView& rest, std::size_t size) {
  rest = rest.subspan(std::min(MNL_ALIGN(size), rest.size()));
}

}  // namespace

NetlinkMessage::NetlinkMessage(const Header& header) : buffer_(kNetlinkBytesMost) {
  nlmsghdr* const message = ::mnl_nlmsg_put_header(buffer_.data());
  message->nlmsg_type = header.type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | header.flags);
  message->nlmsg_seq = header.sequence;
  auto* const generic = static_cast<genlmsghdr*>(::mnl_nlmsg_put_extra_header(message, sizeof(genlmsghdr)));
  generic->cmd = header.command;
  generic->version = header.version;
}

void NetlinkMessage::put(std::uint16_t type, ByteView value) {
  [[maybe_unused]] const bool fits =
      ::mnl_attr_put_check(header_of(buffer_), buffer_.size(), type, value.size(), value.data());
  assert(fits);
}

void NetlinkMessage::put_text(std::uint16_t type, const std::string& text) {
  put(type, {as_bytes(text).data(), text.size() + 1});
}

void* NetlinkMessage::begin_nest(std::uint16_t type) {
  nlattr* const start = ::mnl_attr_nest_start_check(header_of(buffer_), buffer_.size(), type);
  assert(start != nullptr);
  return start;
}

void NetlinkMessage::end_nest(void* start) {
  ::mnl_attr_nest_end(header_of(buffer_), static_cast<nlattr*>(start));
}

SecretBytes NetlinkMessage::take() {
  buffer_.resize(header_of(buffer_)->nlmsg_len);
  return std::move(buffer_);
}

std::optional<NetlinkAttribute> next_attribute(ByteView& rest) {
  const auto* const attribute = reinterpret_cast<const nlattr*>(rest.data());
  if (rest.size() > kNetlinkBytesMost || !::mnl_attr_ok(attribute, static_cast<int>(rest.size())))
    return std::nullopt;
  const NetlinkAttribute read{
      ::mnl_attr_get_type(attribute),
      rest.subspan(MNL_ATTR_HDRLEN, ::mnl_attr_get_payload_len(attribute)),
  };
  take_off(rest, attribute->nla_len);
  return read;
}

std::optional<NetlinkReceived> next_message(ByteView& rest) {
  const auto* const header = reinterpret_cast<const nlmsghdr*>(rest.data());
  // libmnl takes a length above 2^31 for a negative one, and for short enough.
  if (rest.size() > kNetlinkBytesMost || !::mnl_nlmsg_ok(header, static_cast<int>(rest.size())) ||
      header->nlmsg_len > rest.size()) {
    return std::nullopt;
  }
  const NetlinkReceived read{
      header->nlmsg_type,
      header->nlmsg_flags,
      header->nlmsg_seq,
      rest.first(header->nlmsg_len).subspan(MNL_NLMSG_HDRLEN),
  };
  take_off(rest, header->nlmsg_len);
  return read;
}

}  // namespace dske::wireguard
