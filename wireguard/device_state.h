// A WireGuard device as the helper sees it, and the two kinds behind one interface.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "wireguard/public_key.h"

namespace dske::wireguard {

struct AllowedIp {
  Bytes address;  ///< 4 or 16 bytes
  std::uint8_t prefix_bits = 0;
  bool operator==(const AllowedIp&) const = default;
};

/// All that a peer needs to be added again.
struct PeerState {
  PublicKey public_key;
  SecretBytes preshared_key;                         ///< 32 bytes, zero for none
  std::optional<std::int64_t> last_handshake_nanos;  ///< since 1970
  std::uint64_t sent_bytes = 0;
  std::string endpoint;  ///< "192.0.2.1:51820" or "[2001:db8::1]:51820"; empty if unknown
  std::uint16_t keepalive_seconds = 0;
  std::vector<AllowedIp> allowed_ips;
};

struct DeviceState {
  PublicKey public_key;
  std::vector<PeerState> peers;
};

/// One WireGuard device. Every call is answered at once, or after a bounded time with an error. Not
/// thread-safe.
class DeviceDriver {
 public:
  virtual ~DeviceDriver() = default;
  /// ErrorKind::not_found if there is no such device.
  [[nodiscard]] virtual Result<DeviceState> get() = 0;
  /// These change a peer that exists and never make one. ErrorKind::not_found if there is no such peer, as
  /// far as the device tells.
  [[nodiscard]] virtual Result<void> set_key(const PublicKey& peer, ByteView preshared_key) = 0;
  [[nodiscard]] virtual Result<void> set_keepalive(const PublicKey& peer, std::uint16_t seconds) = 0;
  /// Removes the peer of this key, which get() has just shown, and adds it as `state` says, in one
  /// transaction.
  [[nodiscard]] virtual Result<void> replace(const PeerState& state) = 0;
};

/// A userspace implementation: DIRECTORY/INTERFACE.sock. For the socket's owner.
[[nodiscard]] std::unique_ptr<DeviceDriver> userspace_device(const std::string& socket_path);

/// The kernel's device of this name, in the network namespace of this process. Needs CAP_NET_ADMIN:
/// ErrorKind::forbidden without.
[[nodiscard]] std::unique_ptr<DeviceDriver> kernel_device(const std::string& interface);

/// `first`'s device while it has one, otherwise `second`'s. ErrorKind::not_found, and why, if neither has.
[[nodiscard]] std::unique_ptr<DeviceDriver> first_device(std::unique_ptr<DeviceDriver> first,
                                                         std::unique_ptr<DeviceDriver> second);

}  // namespace dske::wireguard
