#include "kme/confirmations.h"

#include <utility>

namespace dske::kme {
namespace {

constexpr std::chrono::milliseconds kGather{20};
// So long a confirmation may be on its way.
constexpr std::chrono::seconds kOnItsWay{5};
// A little less than the time between two complete lists of a hub.
constexpr std::chrono::seconds kBetweenRepetitions{9};

}  // namespace

void Confirmations::add(const BundleContext& bundle) {
  const MonotonicTime now = clock_.now();
  drop_old(now);
  latest_.emplace_back(now, bundle.name());
  latest_names_.insert(bundle.name());
  waiting_.push_back(bundle);
  if (waiting_.size() == 1) {
    loop_.after(kGather, [this] { send(); });
  }
}

void Confirmations::send() {
  responder_.confirm(std::exchange(waiting_, {}));
}

void Confirmations::drop_old(MonotonicTime now) {
  for (; !latest_.empty() && now - latest_.front().first > kOnItsWay; latest_.pop_front())
    latest_names_.erase(latest_.front().second);
}

void Confirmations::repeat(const std::shared_ptr<HubLink>& hub, const std::vector<BundleName>& listed) {
  const MonotonicTime now = clock_.now();
  drop_old(now);
  const auto last = repeated_.find(hub->address().id);
  if (last != repeated_.end() && now - last->second < kBetweenRepetitions) return;
  std::vector<BundleName> known;
  for (const BundleName& name : listed) {
    if (held_.holds_or_finished(name) && !latest_names_.contains(name)) known.push_back(name);
  }
  if (known.empty()) return;
  repeated_[hub->address().id] = now;
  Responder::confirm_at(hub, known);
}

}  // namespace dske::kme
