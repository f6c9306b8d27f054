// Fetches bundles before an SAE asks for their keys.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "kme/bundle_fetches.h"
#include "kme/held_keys.h"

namespace dske::kme {

/// A bundle that k hubs list as pending is fetched in the background; what fewer hubs list may be invented,
/// and is only remembered. Lives on the event loop.
class FetchAhead {
 public:
  struct Settings {
    std::size_t shares_required = 2;  ///< k
    /// Of what one hub lists, so much is remembered; its oldest listing is forgotten for a new one.
    std::size_t remembered_most_per_hub = 4096;
    std::size_t fetches_most = 16;  ///< at a time
    /// Of one initiator so much is held at most before more of its bundles are fetched; these stay at the
    /// hubs until dec_keys asks for them, or there is room when they are listed again.
    std::uint64_t keys_most_per_initiator = std::uint64_t{1} << 20;
    std::uint64_t bytes_most_per_initiator = std::uint64_t{128} << 20;
  };

  /// The hubs that this KME is registered with now; the listings of others do not count.
  using RegisteredHubs = std::function<std::set<HubId>()>;
  /// As BundleFetches::fetch().
  using Fetch = std::function<void(const BundleName& bundle, BundleFetches::Done done)>;

  /// The references must outlive it and its callbacks.
  FetchAhead(const Settings& settings, RegisteredHubs registered, const HeldKeys& held, Fetch fetch,
             EventLoop& loop, const Clock& clock)
      : settings_(settings),
        registered_(std::move(registered)),
        held_(held),
        fetch_(std::move(fetch)),
        loop_(loop),
        clock_(clock) {}

  /// A hub lists these bundles as pending. Those that are held are passed over.
  void listed(const HubId& hub, const std::vector<BundleName>& bundles);

  /// Of how many bundles listings are remembered.
  [[nodiscard]] std::size_t remembered() const { return bundles_.size(); }

 private:
  using Due = std::multimap<MonotonicTime, BundleName>;
  struct Bundle {
    std::vector<HubId> hubs;  ///< that list it
    MonotonicTime listed;     ///< the last time
    std::optional<Due::iterator> due;
    bool fetching = false;
    std::chrono::seconds pause{0};  ///< after it could not be fetched
  };

  void note(const HubId& hub, const BundleName& name, const std::set<HubId>& registered);
  void forget_oldest(const HubId& hub, const BundleName& newest);
  void forget(std::map<BundleName, Bundle>::iterator bundle);
  void set_due(const BundleName& name, Bundle& bundle, MonotonicTime when);
  [[nodiscard]] bool has_room(const ClientName& initiator) const;
  void go_on();
  void start_fetch(const BundleName& name, Bundle& bundle);
  void fetched(const BundleName& name, const Result<void>& result);

  const Settings settings_;
  const RegisteredHubs registered_;
  const HeldKeys& held_;
  const Fetch fetch_;
  EventLoop& loop_;
  const Clock& clock_;
  std::map<BundleName, Bundle> bundles_;
  std::map<HubId, std::deque<BundleName>> by_hub_;  // the oldest listing first
  Due due_;
  std::size_t fetching_ = 0;
  std::optional<std::pair<MonotonicTime, EventLoop::TimerId>> timer_;
};

}  // namespace dske::kme
