// The adapter: the peers of the configuration, each with its tunnel's key, its channel and its exchange.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "http/client.h"
#include "wireguard/adapter_links.h"
#include "wireguard/channel_routes.h"
#include "wireguard/config.h"
#include "wireguard/etsi_key_source.h"
#include "wireguard/guard.h"
#include "wireguard/helper_client.h"
#include "wireguard/peer.h"
#include "wireguard/peer_slot.h"

namespace dske::wireguard {

/// Everything of it lives on the loop: construct, call and destroy it there.
class Adapter final : public ChannelReceiver {
 public:
  Adapter(const Config& config, http::ClientLoop& loop, HelperClient& helper);

  /// Looks at the devices from now on, and shuts their gates where need be. Not before all else that may fail
  /// has not: a start that fails leaves the tunnels as they are.
  void begin() { tick(); }

  /// Takes over interfaces and peers of a configuration that has changed: those that are as they were go on
  /// undisturbed. What else has changed takes effect at the next start.
  void follow(const Config& config);

  [[nodiscard]] Result<BatchAnswer> take(const SaeId& from, const Batch& batch,
                                         const SecretBytes* exported) override;
  void collect(const SaeId& from, const AdapterId& adapter, http::Reply reply) override;
  [[nodiscard]] Result<SecretBytes> info(const SaeId& from) const override;

  /// For `status`: JSON.
  [[nodiscard]] SecretBytes report() const;

 private:
  struct Interface {
    InterfaceConfig config;
    std::map<PublicKey, std::unique_ptr<PeerSlot>> peers;
    bool asked = false;  // an observation is under way
    MonotonicTime look_at;
  };

  void tick();
  void observe(const std::string& name);
  [[nodiscard]] PeerSlot* slot_for(const SaeId& from, const Link& link) const;
  [[nodiscard]] Result<void> check_known(const SaeId& sae) const;

  const Config config_;  // as at the start
  http::ClientLoop& loop_;
  HelperClient& helper_;
  SystemClock clock_;
  SystemRandomness randomness_;
  EtsiKeySource keys_;
  AdapterLinks links_;
  std::map<std::string, Interface> interfaces_;
  Guard guard_;
};

}  // namespace dske::wireguard
