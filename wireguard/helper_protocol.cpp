#include "wireguard/helper_protocol.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dske::wireguard {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNameMost = 15;
constexpr std::size_t kMessageMost = 512;
constexpr std::size_t kPeersMost = 1000;
constexpr std::uint8_t kDone = 0;

Error malformed() {
  return {ErrorKind::corrupt, "a malformed packet between the adapter and its helper"};
}

template <class Packet, class Number>
void put(Packet& packet, Number number) {
  std::array<std::uint8_t, sizeof number> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  for (const std::uint8_t byte : bytes) packet.push_back(byte);
}

void put_bytes(Bytes& packet, ByteView bytes) {
  for (const std::uint8_t byte : bytes) packet.push_back(byte);
}

// Takes a packet apart from its front; once something was missing, everything is zero.
class Cursor {
 public:
  explicit Cursor(ByteView packet) : left_(packet) {}

  ByteView bytes(std::size_t size) {
    if (size > left_.size()) {
      failed_ = true;
      left_ = {};
      return {};
    }
    const ByteView taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }
  template <class Number>
  Number number() {
    Number value{};
    const ByteView raw = bytes(sizeof value);
    if (!raw.empty()) std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  template <std::size_t size>
  std::array<std::uint8_t, size> array() {
    std::array<std::uint8_t, size> value{};
    const ByteView raw = bytes(size);
    std::copy(raw.begin(), raw.end(), value.begin());
    return value;
  }
  ByteView rest() { return bytes(left_.size()); }
  [[nodiscard]] bool complete() const { return !failed_ && left_.empty(); }

 private:
  ByteView left_;
  bool failed_ = false;
};

Bytes encode_error(const Error& error) {
  Bytes packet;
  packet.push_back(static_cast<std::uint8_t>(static_cast<int>(error.kind) + 1));
  put_bytes(packet, as_bytes(std::string_view(error.message).substr(0, kMessageMost)));
  return packet;
}

// The error that a packet tells of, if it does.
std::optional<Error> error_in(Cursor& cursor) {
  const auto status = cursor.number<std::uint8_t>();
  if (status == kDone) return std::nullopt;
  if (status > static_cast<int>(ErrorKind::internal) + 1) return malformed();
  return Error{static_cast<ErrorKind>(status - 1), std::string(as_text(cursor.rest()))};
}

}  // namespace

SecretBytes encode(const HelperRequest& request) {
  SecretBytes packet;
  packet.push_back(static_cast<std::uint8_t>(request.operation));
  packet.push_back(static_cast<std::uint8_t>(request.interface.size()));
  packet.append(request.interface);
  packet.append(request.peer.bytes());
  packet.push_back(request.keepalive_seconds ? 1 : 0);
  put(packet, request.keepalive_seconds.value_or(0));
  packet.append(request.preshared_key.view());
  return packet;
}

Result<HelperRequest> decode_helper_request(ByteView packet) {
  using Operation = HelperRequest::Operation;
  Cursor cursor(packet);
  HelperRequest request;
  const auto operation = cursor.number<std::uint8_t>();
  if (operation < 1 || operation > 4) return malformed();
  request.operation = static_cast<Operation>(operation);
  const auto name_size = cursor.number<std::uint8_t>();
  if (name_size == 0 || name_size > kNameMost) return malformed();
  request.interface = std::string(as_text(cursor.bytes(name_size)));
  request.peer = PublicKey(cursor.array<kKeyBytes>());
  const auto has_keepalive = cursor.number<std::uint8_t>();
  const auto keepalive = cursor.number<std::uint16_t>();
  if (has_keepalive > 1) return malformed();
  if (has_keepalive == 1) request.keepalive_seconds = keepalive;
  request.preshared_key = SecretBytes::copy_of(cursor.rest());
  if (!cursor.complete()) return malformed();
  const bool has_key = request.preshared_key.size() == kKeyBytes;
  if (!has_key && !request.preshared_key.empty()) return malformed();
  const bool fits =
      request.operation == Operation::replace || has_key == (request.operation == Operation::set_key);
  const bool keepalive_fits =
      request.operation != Operation::set_keepalive || request.keepalive_seconds.has_value();
  if (!fits || !keepalive_fits) return malformed();
  return request;
}

Bytes encode(const Result<DeviceObservation>& answer) {
  if (!answer) return encode_error(answer.error());
  Bytes packet;
  packet.push_back(kDone);
  put_bytes(packet, answer->public_key.bytes());
  put(packet, static_cast<std::uint16_t>(std::min(answer->peers.size(), kPeersMost)));
  std::size_t count = 0;
  for (const auto& [key, peer] : answer->peers) {
    if (++count > kPeersMost) break;
    put_bytes(packet, key.bytes());
    put_bytes(packet, peer.preshared_key);
    const std::int64_t handshake =
        peer.last_handshake
            ? std::chrono::duration_cast<std::chrono::nanoseconds>(peer.last_handshake->time_since_epoch())
                  .count()
            : -1;
    put(packet, handshake);
    put(packet, peer.sent_bytes);
    put(packet, static_cast<std::uint8_t>(peer.endpoint_known ? 1 : 0));
    put(packet, peer.keepalive_seconds);
  }
  return packet;
}

Bytes encode(const Result<void>& answer) {
  if (!answer) return encode_error(answer.error());
  Bytes packet;
  packet.push_back(kDone);
  return packet;
}

Result<DeviceObservation> decode_observation(ByteView packet) {
  Cursor cursor(packet);
  if (auto error = error_in(cursor)) return *error;
  DeviceObservation device;
  device.public_key = PublicKey(cursor.array<kKeyBytes>());
  const auto count = cursor.number<std::uint16_t>();
  for (std::size_t i = 0; i < count; ++i) {
    const PublicKey key(cursor.array<kKeyBytes>());
    PeerObservation peer;
    peer.preshared_key = cursor.array<kKeyBytes>();
    const auto handshake = cursor.number<std::int64_t>();
    if (handshake >= 0) {
      peer.last_handshake =
          WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(handshake)));
    }
    peer.sent_bytes = cursor.number<std::uint64_t>();
    peer.endpoint_known = cursor.number<std::uint8_t>() == 1;
    peer.keepalive_seconds = cursor.number<std::uint16_t>();
    device.peers.emplace(key, peer);
  }
  if (!cursor.complete()) return malformed();
  return device;
}

Result<void> decode_done(ByteView packet) {
  Cursor cursor(packet);
  if (auto error = error_in(cursor)) return *error;
  if (!cursor.complete()) return malformed();
  return {};
}

}  // namespace dske::wireguard
