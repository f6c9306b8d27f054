// One peer of one interface, with all that belongs to it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "wireguard/exchange.h"
#include "wireguard/guard.h"

namespace dske::wireguard {

/// What a person is shown of a peer. Times are durations as of now.
struct PeerReport {
  std::string
      state;  ///< "device missing", "peer missing", "shutting", "shut", "initial key", "active", "connecting"
  std::optional<Role> role;
  std::optional<KeyId> active;
  std::vector<Source> sources;  ///< of the active key
  std::optional<Duration> key_age;
  bool key_proven = false;  ///< a handshake has been completed since the key was set
  std::string session;
  std::optional<Duration> handshake_age;
  std::optional<Duration> next_rotation;  ///< 0: now, as soon as the session's age allows
  bool adapter_reachable = false;         ///< the other end's
  std::string last_error;
};

/// Joins the tunnel's key, the exchange of this end's role and the comparison with the other end. Only on the
/// loop. The device's own public key must be known to make one; should it change, another one is made.
class Peer {
 public:
  /// `parts.tunnel` lives as long as this.
  explicit Peer(ExchangeParts parts);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void see(const std::optional<PeerObservation>& peer);
  void take(const Message& message);
  void wake();
  /// To be called every second.
  void step();
  /// The regular comparison with the other end is due.
  void compare_if_needed();
  [[nodiscard]] StateMessage state() const { return state_of(parts_.tunnel); }
  /// Whether looks at the device should follow each other quickly.
  [[nodiscard]] bool hurries() const;
  [[nodiscard]] PeerReport report() const;

 private:
  void tell();
  void ask_before_going_on();
  void go_on();
  void take_comparison(const Result<StateMessage>& other);
  [[nodiscard]] bool heard_lately() const;

  ExchangeParts parts_;
  const Role role_;
  std::unique_ptr<Exchange> exchange_;
  std::optional<TunnelKey::State> told_;  // of the tunnel's key; nothing before the first look
  MonotonicTime heard_;                   // anything of the other end
  MonotonicTime asked_;                   // by the other end, of this one's state
  bool comparing_ = false;
  bool compare_again_ = false;
  // For the recoverer, once the other end has answered:
  std::optional<RecoverMessage> offered_;
  bool wakes_ = false;
  std::string channel_error_;
  Guard guard_;
};

}  // namespace dske::wireguard
