// The pre-shared key of one peer on this end: the gate before the first one, whose it is, how old it may get.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/random.h"
#include "wireguard/device.h"
#include "wireguard/guard.h"
#include "wireguard/key_record.h"
#include "wireguard/session.h"
#include "wireguard/timings.h"

namespace dske::wireguard {

/// Sees the peer through its observations and sets its key. What it promises: from the first look on, the
/// tunnel carries data only under a key that the adapters agreed on (or, if the operator wants that, the one
/// that was there), and at most Timings::key_age_most long under one. Only on the event loop's thread.
class TunnelKey {
 public:
  enum class State {
    absent,   ///< there is no such device or peer, nobody has looked yet, or the gate is being shut
    shut,     ///< a random key that nobody else knows keeps the tunnel shut
    initial,  ///< the operator's own key, until the first one
    held,     ///< a key with an ID
  };
  struct Options {
    std::string label;  ///< of the peer, for the log
    bool keep_initial_key = false;
    Timings timings;
  };
  struct Parts {
    PeerDevice& device;
    KeyRecord& record;
    const Clock& clock;
    Randomness& randomness;
  };
  using Done = PeerDevice::Done;

  TunnelKey(Options options, Parts parts) : options_(std::move(options)), parts_(parts) {}

  /// What a look at the device showed of the peer; nothing if it is not there.
  void see(const std::optional<PeerObservation>& peer);

  /// Whether apply() may be called: the peer is there, and no change is under way.
  [[nodiscard]] bool ready() const { return state_ != State::absent && !changing_; }
  [[nodiscard]] State state() const { return state_; }
  /// Why the gate could not be shut at the last attempt; empty if it could.
  [[nodiscard]] const std::string& error() const { return error_; }
  /// The ID of the key that is set.
  [[nodiscard]] std::optional<KeyId> active() const {
    return state_ == State::held ? std::optional<KeyId>(active_) : std::nullopt;
  }
  [[nodiscard]] const SessionWatch& session() const { return session_; }
  [[nodiscard]] bool endpoint_known() const { return endpoint_known_; }
  /// What that key is made of.
  [[nodiscard]] const std::vector<Source>& sources() const { return sources_; }
  /// How long the active key has been set.
  [[nodiscard]] Duration age() const { return parts_.clock.now() - applied_; }
  /// Whether a handshake has been completed since the active key was set.
  [[nodiscard]] bool proven_by_handshake() const;

  /// Sets a key made of `sources`. With `open` the session is ended and a handshake begun at once.
  void apply(const KeyId& id, std::vector<Source> sources, const SecretBytes& preshared_key, bool open,
             Done done);
  /// Ends what there is of a session and begins a handshake under the key that is set.
  void open(Done done);

 private:
  void shut(const std::string& why);
  void judge(const PeerObservation& peer);
  void adopt(const RecordedKey& key);
  void restore_keepalive(const PeerObservation& peer);
  void watch_age();
  [[nodiscard]] std::optional<std::uint16_t> opening_keepalive();
  [[nodiscard]] Result<void> remember(const RecordedKey& key);

  const Options options_;
  const Parts parts_;
  State state_ = State::absent;
  std::string error_;
  bool changing_ = false;  // a change of the device is under way
  bool seen_before_ = false;
  bool warned_ = false;
  bool endpoint_known_ = false;
  std::uint16_t keepalive_seconds_ = 0;  // as it is
  MonotonicTime opened_;                 // when a handshake was last begun
  KeyId active_;
  std::vector<Source> sources_;
  Fingerprint fingerprint_{};  // of the key that is set, if it is held or shut
  MonotonicTime applied_;
  SessionWatch session_;
  Guard guard_;
};

}  // namespace dske::wireguard
