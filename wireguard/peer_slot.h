// A configured peer, whether its device is there or not.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "wireguard/adapter_links.h"
#include "wireguard/config.h"
#include "wireguard/helper_client.h"
#include "wireguard/key_record.h"
#include "wireguard/link_channel.h"
#include "wireguard/peer.h"
#include "wireguard/secret_file.h"

namespace dske::wireguard {

struct SlotParts {
  const Config& config;
  http::ClientLoop& loop;
  HelperClient& helper;
  const Clock& clock;
  Randomness& randomness;
  KeySource& keys;
  AdapterLinks& links;
};

/// What belongs to one peer of the configuration. The exchange begins once the device, and so this end's own
/// public key, has been seen; another own key begins it anew. Only on the loop.
class PeerSlot {
 public:
  PeerSlot(SlotParts parts, std::string interface, PeerConfig config);

  void see(const Result<DeviceObservation>& device);
  [[nodiscard]] const PeerConfig& config() const { return config_; }
  [[nodiscard]] const std::optional<PublicKey>& own_key() const { return own_key_; }
  [[nodiscard]] bool hurries() const { return !peer_ || peer_->hurries(); }
  void wake();
  /// To be called every second.
  void step();

  /// Null before the device was seen.
  [[nodiscard]] Peer* peer() const { return peer_.get(); }
  [[nodiscard]] LinkChannel* channel() const { return channel_.get(); }
  [[nodiscard]] PeerReport report() const;

 private:
  void begin(const PublicKey& own_key);

  const SlotParts parts_;
  const std::string interface_;
  const PeerConfig config_;
  const std::string label_;
  FileKeyRecord record_;
  WatchedSecretFile file_;
  HelperPeerDevice device_;
  TunnelKey tunnel_;
  std::optional<PublicKey> own_key_;
  std::unique_ptr<LinkChannel> channel_;
  std::unique_ptr<Peer> peer_;
  std::string error_;
  // At the last look:
  bool device_seen_ = false;
  bool peer_seen_ = false;
};

}  // namespace dske::wireguard
