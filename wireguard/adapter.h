// The adapter: the peers of the configuration, each with its tunnel's key, its channel and its exchange.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "http/client.h"
#include "wireguard/config.h"
#include "wireguard/etsi_key_source.h"
#include "wireguard/guard.h"
#include "wireguard/helper_client.h"
#include "wireguard/link_channel.h"
#include "wireguard/peer.h"
#include "wireguard/peer_slot.h"

namespace dske::wireguard {

/// Everything of it lives on the loop: construct, call and destroy it there.
class Adapter {
 public:
  Adapter(const Config& config, http::ClientLoop& loop, HelperClient& helper);

  /// Takes over interfaces and peers of a configuration that has changed: those that are as they were go on
  /// undisturbed. What else has changed takes effect at the next start.
  void follow(const Config& config);

  /// A message from the adapter of this SAE, or what to answer instead. `exported` is its connection's
  /// secret, if it has one.
  struct Taken {
    StateMessage own;  ///< for a state message
    Link link;         ///< from this end
  };
  [[nodiscard]] Result<Taken> take(const SaeId& from, const LinkedMessage& message,
                                   const SecretBytes* exported);
  /// Answers who asks for what there is to say to the other end of a tunnel.
  void collect(const SaeId& from, const Link& link, const SecretBytes* exported, http::Reply reply);
  /// GET /v1/dske/info for this SAE.
  [[nodiscard]] Result<SecretBytes> info(const SaeId& from) const;

  /// For `status`: JSON.
  [[nodiscard]] SecretBytes report() const;

 private:
  struct Interface {
    InterfaceConfig config;
    std::map<PublicKey, std::unique_ptr<PeerSlot>> peers;
    bool asked = false;  // an observation is under way
    MonotonicTime look_at;
  };

  void observe_all();
  void observe(const std::string& name);
  [[nodiscard]] PeerSlot* slot_of(const Link& link) const;
  [[nodiscard]] Result<PeerSlot*> slot_for(const SaeId& from, const Link& link) const;

  const Config config_;  // as at the start
  http::ClientLoop& loop_;
  HelperClient& helper_;
  SystemClock clock_;
  SystemRandomness randomness_;
  EtsiKeySource keys_;
  std::map<std::string, Interface> interfaces_;
  Guard guard_;
};

}  // namespace dske::wireguard
