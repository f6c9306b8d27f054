// Tells the hubs which bundles this KME holds, several at a time.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "dske/bundle_context.h"
#include "dske/responder.h"
#include "kme/held_keys.h"

namespace dske::kme {

/// Lives on the event loop.
class Confirmations {
 public:
  Confirmations(Responder& responder, const HeldKeys& held, EventLoop& loop, const Clock& clock)
      : responder_(responder), held_(held), loop_(loop), clock_(clock) {}

  /// Confirms a bundle that is held durably, together with others of the next moment.
  void add(const BundleContext& bundle);
  /// A hub lists these bundles as pending: confirms to it, once more, those that are held and were confirmed
  /// a while ago. A hub gets one such answer in 10 seconds, since it costs PSRD.
  void repeat(const std::shared_ptr<HubLink>& hub, const std::vector<BundleName>& listed);

 private:
  void send();
  void drop_old(MonotonicTime now);

  Responder& responder_;
  const HeldKeys& held_;
  EventLoop& loop_;
  const Clock& clock_;
  std::vector<BundleContext> waiting_;
  std::deque<std::pair<MonotonicTime, BundleName>> latest_;  // the oldest first
  std::set<BundleName> latest_names_;
  std::map<HubId, MonotonicTime> repeated_;
};

}  // namespace dske::kme
