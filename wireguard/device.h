// What the adapter sees of a WireGuard device and does to it, as interfaces: a helper process stands behind
// them, in tests a simulated tunnel.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/unique_function.h"
#include "wireguard/key_derivation.h"
#include "wireguard/public_key.h"

namespace dske::wireguard {

/// A peer of a device at one moment.
struct PeerObservation {
  Fingerprint preshared_key{};             ///< of 32 zero bytes if there is none
  std::optional<WallTime> last_handshake;  ///< the last completed one, in whole seconds
  std::uint64_t sent_bytes = 0;            ///< handshakes and keep-alives included
  bool endpoint_known = false;
  std::uint16_t keepalive_seconds = 0;  ///< 0: off
};

/// A device at one moment: its peers that the configuration names, as far as they exist.
struct DeviceObservation {
  PublicKey public_key;
  std::map<PublicKey, PeerObservation> peers;
};

/// One peer of one device. Changes are carried out in the order of the calls, and never make a peer that
/// does not exist. ErrorKind::not_found if there is no such device or peer. Only on the event loop's thread.
class PeerDevice {
 public:
  using Done = UniqueFunction<void(Result<void>)>;

  virtual ~PeerDevice() = default;
  /// Sets the pre-shared key; the session goes on.
  virtual void set_key(SecretBytes preshared_key, Done done) = 0;
  /// Removes the peer and adds it again as it was, in one transaction: its session ends. With a new
  /// pre-shared key unless it is empty, and with another keep-alive interval if one is given: then it begins
  /// a handshake at once.
  virtual void replace(SecretBytes preshared_key, std::optional<std::uint16_t> keepalive_seconds,
                       Done done) = 0;
  virtual void set_keepalive(std::uint16_t seconds, Done done) = 0;
};

}  // namespace dske::wireguard
