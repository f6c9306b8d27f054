// PUT and DELETE registration (docs/protocol.md, sections 4.1 and 4.8).
#pragma once

#include "hub/authenticator.h"
#include "hub/client_registry.h"
#include "hub/hub_config.h"
#include "store/hub_store.h"

namespace dske::hub {

/// Accepts registrations, and ends them. Thread-safe; the references must outlive it.
class Registration {
 public:
  Registration(const HubId& hub, const HubConfig& config, const Epoch& epoch, ClientRegistry& clients,
               store::HubStore& store);

  void handle(VerifiedRequest request);
  /// The client leaves; whatever it initiated stays.
  void leave(VerifiedRequest request);

 private:
  struct Checked;
  [[nodiscard]] Result<Checked> check(const VerifiedRequest& request) const;
  void accepted(VerifiedRequest request, Checked checked);
  void left(VerifiedRequest request, store::Leaving how, const std::vector<BlockId>& wiped);

  HubId hub_;
  HubName name_;
  RelayLimits limits_;
  Epoch epoch_;
  ClientRegistry& clients_;
  store::HubStore& store_;
};

}  // namespace dske::hub
