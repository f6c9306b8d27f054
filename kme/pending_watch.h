// Asks the hubs all the time which bundles wait for this KME.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "dske/hub_link.h"
#include "dske/pending_list.h"

namespace dske::kme {

/// One poll waits at each hub that this KME is registered with. It goes on where the last one ended, and
/// every 10 seconds (a minute if very much waits), or after a registration, from the beginning: so bundles
/// are listed again that were not fetched, or whose confirmation was lost. A hub that answers at once with
/// nothing new is asked ever more rarely. Lives on the event loop.
class PendingWatch {
 public:
  using Listed =
      std::function<void(const std::shared_ptr<HubLink>& hub, const std::vector<BundleName>& bundles)>;

  /// `links` may gain and lose links meanwhile. The references must outlive it and its callbacks.
  PendingWatch(const std::vector<std::shared_ptr<HubLink>>& links, EventLoop& loop, const Clock& clock,
               Listed listed)
      : links_(links), loop_(loop), clock_(clock), listed_(std::move(listed)) {}

  /// Goes on for ever.
  void start();

 private:
  struct Hub {
    bool asking = false;
    std::uint64_t cursor = 0;
    std::uint64_t registration = 0;  ///< the cursor's
    MonotonicTime from_the_beginning;
    MonotonicTime next;
    std::chrono::milliseconds pause{0};  ///< after the latest answer that told nothing new
  };

  void ask(const std::shared_ptr<HubLink>& link);
  void answered(const std::shared_ptr<HubLink>& link, const PendingQuestion& question, MonotonicTime asked,
                const Result<HubReply>& reply);
  void take(Hub& hub, const std::shared_ptr<HubLink>& link, const PendingQuestion& question,
            MonotonicTime asked, const PendingList& list);
  static std::chrono::milliseconds longer_pause(Hub& hub);

  const std::vector<std::shared_ptr<HubLink>>& links_;
  EventLoop& loop_;
  const Clock& clock_;
  Listed listed_;
  std::map<HubId, Hub> hubs_;
};

}  // namespace dske::kme
