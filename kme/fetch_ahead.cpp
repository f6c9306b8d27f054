#include "kme/fetch_ahead.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dske::kme {
namespace {

// When k hubs have a bundle the others are about to: to ask them too early costs them and us a message each.
constexpr std::chrono::milliseconds kForTheOtherHubs{50};
constexpr std::chrono::seconds kPauseLeast{1};
constexpr std::chrono::seconds kPauseMost{600};
// What no hub has listed for so long has gone from them all.
constexpr std::chrono::seconds kListingLasts{180};

std::size_t registered_among(const std::vector<HubId>& hubs, const std::set<HubId>& registered) {
  return static_cast<std::size_t>(
      std::count_if(hubs.begin(), hubs.end(), [&](const HubId& hub) { return registered.contains(hub); }));
}

}  // namespace

void FetchAhead::listed(const HubId& hub, const std::vector<BundleName>& bundles) {
  const std::set<HubId> registered = registered_();
  for (const BundleName& name : bundles) {
    if (!held_.holds_or_finished(name)) note(hub, name, registered);
  }
  go_on();
}

void FetchAhead::note(const HubId& hub, const BundleName& name, const std::set<HubId>& registered) {
  Bundle& bundle = bundles_[name];
  bundle.listed = clock_.now();
  if (std::find(bundle.hubs.begin(), bundle.hubs.end(), hub) == bundle.hubs.end()) {
    bundle.hubs.push_back(hub);
    auto& listings = by_hub_[hub];
    listings.push_back(name);
    if (listings.size() > settings_.remembered_most_per_hub) forget_oldest(hub, name);
  }
  if (bundle.fetching || bundle.pause.count() > 0) return;
  const std::size_t count = registered_among(bundle.hubs, registered);
  if (count < settings_.shares_required) return;
  const bool by_all = count == registered.size();
  if (by_all || !bundle.due)
    set_due(name, bundle, clock_.now() + (by_all ? std::chrono::milliseconds(0) : kForTheOtherHubs));
}

void FetchAhead::forget_oldest(const HubId& hub, const BundleName& newest) {
  auto& listings = by_hub_[hub];
  const BundleName name = std::move(listings.front());
  listings.pop_front();
  const auto found = bundles_.find(name);
  // It may have been forgotten otherwise, and listed again since.
  if (found == bundles_.end() || name == newest) return;
  Bundle& bundle = found->second;
  std::erase(bundle.hubs, hub);
  if (bundle.hubs.empty() && !bundle.fetching) forget(found);
}

void FetchAhead::forget(std::map<BundleName, Bundle>::iterator bundle) {
  if (bundle->second.due) due_.erase(*bundle->second.due);
  bundles_.erase(bundle);
}

void FetchAhead::set_due(const BundleName& name, Bundle& bundle, MonotonicTime when) {
  if (bundle.due) {
    if ((*bundle.due)->first <= when) return;
    due_.erase(*bundle.due);
  }
  bundle.due = due_.emplace(when, name);
}

bool FetchAhead::has_room(const ClientName& initiator) const {
  const HeldKeys::Amount held = held_.amount_of(initiator);
  return held.keys < settings_.keys_most_per_initiator && held.bytes < settings_.bytes_most_per_initiator;
}

void FetchAhead::go_on() {
  const MonotonicTime now = clock_.now();
  while (fetching_ < settings_.fetches_most && !due_.empty() && due_.begin()->first <= now) {
    const BundleName name = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    const auto found = bundles_.find(name);
    Bundle& bundle = found->second;
    bundle.due.reset();
    const bool gone = now - bundle.listed > kListingLasts;
    if (gone || held_.holds_or_finished(name) || !has_room(name.initiator)) {
      bundles_.erase(found);
    } else if (registered_among(bundle.hubs, registered_()) < settings_.shares_required) {
      bundle.pause = std::chrono::seconds(0);  // until enough hubs list it again
    } else {
      start_fetch(name, bundle);
    }
  }
  if (timer_ && (due_.empty() || due_.begin()->first != timer_->first)) {
    loop_.cancel(timer_->second);
    timer_.reset();
  }
  if (timer_ || due_.empty() || fetching_ >= settings_.fetches_most) return;
  timer_ = {due_.begin()->first, loop_.after(due_.begin()->first - now, [this] {
              timer_.reset();
              go_on();
            })};
}

void FetchAhead::start_fetch(const BundleName& name, Bundle& bundle) {
  bundle.fetching = true;
  ++fetching_;
  // The answer may come at once, and changes what go_on() goes through: so it comes by the loop.
  fetch_(name, [this, name](const Result<void>& result) {
    loop_.post([this, name, result] { fetched(name, result); });
  });
}

void FetchAhead::fetched(const BundleName& name, const Result<void>& result) {
  --fetching_;
  const auto found = bundles_.find(name);
  if (found != bundles_.end()) {
    Bundle& bundle = found->second;
    bundle.fetching = false;
    if (result || bundle.hubs.empty()) {
      forget(found);
    } else {
      bundle.pause = std::clamp(2 * bundle.pause, kPauseLeast, kPauseMost);
      log::debug("bundle {} could not be fetched ahead, again in {} s: {}", name.id.text(),
                 bundle.pause.count(), result.error().message);
      set_due(name, bundle, clock_.now() + bundle.pause);
    }
  }
  go_on();
}

}  // namespace dske::kme
