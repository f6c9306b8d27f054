// The in-band calls of a hub beside the registration: SAE look-up, shares, confirmation, pending list
// (docs/protocol.md, sections 4.2 to 4.7).
#pragma once

#include "hub/authenticator.h"
#include "hub/client_registry.h"
#include "hub/hub_config.h"
#include "hub/waiting_polls.h"
#include "store/hub_store.h"

namespace dske::hub {

/// Takes shares in and gives them out. Thread-safe; nothing here waits. The references must outlive it.
class Relay {
 public:
  Relay(const HubId& hub, const RelayLimits& limits, ClientRegistry& clients, store::HubStore& store,
        WaitingPolls& polls, const Clock& clock);

  void look_up_sae(VerifiedRequest request);
  void post_share(VerifiedRequest request);
  void get_share(VerifiedRequest request);
  void withdraw_share(VerifiedRequest request);
  void confirm(VerifiedRequest request);
  /// The answer may come later, when there is something to list.
  void list_pending(Authenticator::Poll poll);

  /// Wipes shares whose lifetime has ended. For a timer.
  void expire();

 private:
  [[nodiscard]] Result<std::vector<ClientName>> claimants(const VerifiedRequest& request,
                                                          const BundleContext& context) const;
  void give_out(VerifiedRequest request, store::ShareRecord share);
  void release(const std::vector<store::WaitingAmount>& amounts);

  HubId hub_;
  RelayLimits limits_;
  ClientRegistry& clients_;
  store::HubStore& store_;
  WaitingPolls& polls_;
  const Clock& clock_;
};

}  // namespace dske::hub
