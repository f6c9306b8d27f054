#include "wireguard/uapi.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include <arpa/inet.h>
#include <openssl/evp.h>

#include "base/base64.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kPeersMost = 4096;

Error malformed(std::string_view name) {
  return {ErrorKind::corrupt, "the WireGuard device answers with a malformed " + std::string(name)};
}

// In constant time for all digits: private and pre-shared keys come so. Digits are 0-9 a-f.
bool decode_digit(std::uint8_t c, unsigned& value, unsigned& bad) {
  const unsigned u = c;
  const unsigned is_digit = ((u - '0') - 10U) >> 31U & ~((u - '0') >> 31U) & 1U;
  const unsigned is_letter = ((u - 'a') - 6U) >> 31U & ~((u - 'a') >> 31U) & 1U;
  value = (0U - is_digit) & (u - '0');
  value |= (0U - is_letter) & (u - 'a' + 10U);
  bad |= 1U ^ (is_digit | is_letter);
  return true;
}

std::optional<SecretBytes> decode_key(std::string_view hex) {
  if (hex.size() != 2 * kKeyBytes) return std::nullopt;
  SecretBytes key(kKeyBytes);
  unsigned bad = 0;
  for (std::size_t i = 0; i < kKeyBytes; ++i) {
    unsigned high = 0;
    unsigned low = 0;
    decode_digit(static_cast<std::uint8_t>(hex[2 * i]), high, bad);
    decode_digit(static_cast<std::uint8_t>(hex[2 * i + 1]), low, bad);
    key.span()[i] = static_cast<std::uint8_t>(high << 4U | low);
  }
  if (bad != 0) return std::nullopt;
  return key;
}

void append_hex(SecretBytes& text, ByteView bytes) {
  const auto digit = [](unsigned value) {
    // 'a' - 10 - '0' more for 10 to 15, without a table or a branch.
    return static_cast<std::uint8_t>(value + '0' + (((9U - value) >> 8U & 1U) * ('a' - 10U - '0')));
  };
  for (const std::uint8_t byte : bytes) {
    text.push_back(digit(byte >> 4U));
    text.push_back(digit(byte & 15U));
  }
}

std::optional<PublicKey> public_key_of(const SecretBytes& private_key) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, private_key.data(), private_key.size()),
      EVP_PKEY_free);
  std::array<std::uint8_t, kKeyBytes> bytes{};
  std::size_t size = bytes.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) != 1) return std::nullopt;
  return PublicKey(bytes);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<AllowedIp> parse_allowed_ip(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string address(text.substr(0, slash));
  const bool is_v6 = address.find(':') != std::string::npos;
  AllowedIp ip;
  ip.address.resize(is_v6 ? 16 : 4);
  const auto bits = number<std::uint8_t>(text.substr(slash + 1));
  if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(), ip.address.data()) != 1 || !bits ||
      *bits > 8 * ip.address.size()) {
    return std::nullopt;
  }
  ip.prefix_bits = *bits;
  return ip;
}

std::string text_of(const AllowedIp& ip) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(ip.address.size() == 16 ? AF_INET6 : AF_INET, ip.address.data(), text.data(), text.size());
  return std::string(text.data()) + "/" + std::to_string(ip.prefix_bits);
}

// One line after the other, into the device and its latest peer.
class DeviceParser {
 public:
  // False: the value is malformed. Unknown names are for other tools.
  bool take(std::string_view name, std::string_view value) {
    if (name == "private_key") return take_private_key(value);
    if (name == "public_key") return begin_peer(value);
    if (device_.peers.empty()) return true;
    PeerState& peer = device_.peers.back();
    if (name == "preshared_key") {
      auto key = decode_key(value);
      if (key) peer.preshared_key = std::move(*key);
      return key.has_value();
    }
    if (name == "endpoint") peer.endpoint = value;
    if (name == "persistent_keepalive_interval") return take_number(value, peer.keepalive_seconds);
    if (name == "tx_bytes") return take_number(value, peer.sent_bytes);
    if (name == "last_handshake_time_sec") return take_number(value, seconds_);
    if (name == "last_handshake_time_nsec") {
      std::int64_t nanos = 0;
      if (!take_number(value, nanos) || seconds_ < 0 || seconds_ > 9'000'000'000 || nanos < 0) return false;
      if (seconds_ > 0 || nanos > 0) peer.last_handshake_nanos = seconds_ * 1'000'000'000 + nanos;
      return true;
    }
    if (name == "allowed_ip") {
      auto ip = parse_allowed_ip(value);
      if (ip) peer.allowed_ips.push_back(std::move(*ip));
      return ip.has_value();
    }
    return true;
  }
  [[nodiscard]] bool has_private_key() const { return has_private_key_; }
  [[nodiscard]] DeviceState finish() { return std::move(device_); }

 private:
  bool take_private_key(std::string_view value) {
    const auto key = decode_key(value);
    const auto own = key ? public_key_of(*key) : std::nullopt;
    has_private_key_ = own.has_value();
    if (own) device_.public_key = *own;
    return has_private_key_;
  }
  bool begin_peer(std::string_view value) {
    const auto key = hex_decode(value);
    const auto own = key ? PublicKey::from_bytes(*key) : Result<PublicKey>(key.error());
    if (!own || device_.peers.size() >= kPeersMost) return false;
    PeerState peer;
    peer.public_key = *own;
    peer.preshared_key = SecretBytes(kKeyBytes);
    device_.peers.push_back(std::move(peer));
    seconds_ = 0;
    return true;
  }
  template <class Number>
  static bool take_number(std::string_view value, Number& into) {
    const auto read = number<Number>(value);
    if (read) into = *read;
    return read.has_value();
  }

  DeviceState device_;
  bool has_private_key_ = false;
  std::int64_t seconds_ = 0;
};

// Calls `take` with name and value of every line up to the empty one.
template <class Take>
Result<void> read_lines(std::string_view answer, Take take) {
  while (true) {
    const std::size_t end = answer.find('\n');
    if (end == std::string_view::npos) return malformed("end");
    const std::string_view line = answer.substr(0, end);
    answer.remove_prefix(end + 1);
    if (line.empty()) return {};
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return malformed("line");
    const std::string_view name = line.substr(0, equals);
    if (!take(name, line.substr(equals + 1))) return malformed(name.substr(0, 64));
  }
}

SecretBytes begin_update(const PublicKey& peer) {
  return SecretBytes::copy_of("set=1\npublic_key=" + peer.hex() + "\nupdate_only=true\n");
}

}  // namespace

std::string_view uapi_get() {
  return "get=1\n\n";
}

Result<int> parse_uapi_errno(std::string_view answer) {
  std::optional<int> code;
  const auto read = read_lines(answer, [&](std::string_view name, std::string_view value) {
    if (name == "errno") code = number<int>(value);
    return name != "errno" || code.has_value();
  });
  if (!read) return read.error();
  if (!code) return malformed("answer without errno");
  return *code;
}

Result<DeviceState> parse_uapi_device(std::string_view answer) {
  DeviceParser parser;
  std::optional<int> code;
  const auto read = read_lines(answer, [&](std::string_view name, std::string_view value) {
    if (name == "errno") {
      code = number<int>(value);
      return code.has_value();
    }
    return parser.take(name, value);
  });
  if (!read) return read.error();
  if (code != 0) return Error{ErrorKind::io, "the WireGuard device does not show its state"};
  if (!parser.has_private_key()) {
    return Error{ErrorKind::not_found,
                 "the WireGuard device has no private key, or is of an implementation that does not show it"};
  }
  return parser.finish();
}

SecretBytes uapi_set_key(const PublicKey& peer, ByteView preshared_key) {
  SecretBytes text = begin_update(peer);
  text.append("preshared_key=");
  append_hex(text, preshared_key);
  text.append("\n\n");
  return text;
}

SecretBytes uapi_set_keepalive(const PublicKey& peer, std::uint16_t seconds) {
  SecretBytes text = begin_update(peer);
  text.append("persistent_keepalive_interval=" + std::to_string(seconds) + "\n\n");
  return text;
}

SecretBytes uapi_replace(const PeerState& state) {
  const std::string name = "public_key=" + state.public_key.hex() + "\n";
  SecretBytes text = SecretBytes::copy_of("set=1\n" + name + "remove=true\n" + name + "preshared_key=");
  append_hex(text, state.preshared_key.view());
  text.push_back('\n');
  if (!state.endpoint.empty()) text.append("endpoint=" + state.endpoint + "\n");
  text.append("replace_allowed_ips=true\n");
  for (const AllowedIp& ip : state.allowed_ips) text.append("allowed_ip=" + text_of(ip) + "\n");
  // Last: with it a userspace implementation sends at once, and by then all else has to be there.
  text.append("persistent_keepalive_interval=" + std::to_string(state.keepalive_seconds) + "\n\n");
  return text;
}

}  // namespace dske::wireguard
