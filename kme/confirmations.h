// Tells the hubs which bundles this KME holds, several at a time.
#pragma once

#include <memory>
#include <vector>

#include "base/event_loop.h"
#include "dske/bundle_context.h"
#include "dske/responder.h"
#include "kme/held_keys.h"

namespace dske::kme {

/// Lives on the event loop.
class Confirmations {
 public:
  Confirmations(Responder& responder, const HeldKeys& held,
                const std::vector<std::shared_ptr<HubLink>>& links, EventLoop& loop)
      : responder_(responder), held_(held), links_(links), loop_(loop) {}

  /// Confirms a bundle that is held durably, together with others of the next moment.
  void add(const BundleContext& bundle);
  /// Asks the hubs what they think is waiting and confirms what is held: its confirmation was lost. Goes on
  /// for ever.
  void start_polling();

 private:
  void send();
  void poll();
  void listed(const std::shared_ptr<HubLink>& link, const HubReply& reply) const;

  Responder& responder_;
  const HeldKeys& held_;
  const std::vector<std::shared_ptr<HubLink>>& links_;
  EventLoop& loop_;
  std::vector<BundleContext> waiting_;
};

}  // namespace dske::kme
