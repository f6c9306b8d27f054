#include "kme/hub_roster.h"

#include <algorithm>
#include <utility>

namespace dske::kme {

HubRoster::HubRoster(const KmeConfig& config)
    : is_list_(config.hubs_listed), join_dropped_(config.join_from_psrd_in), hubs_(config.hubs) {}

std::vector<ConfiguredHub> HubRoster::listed() const {
  const MutexLock lock(mutex_);
  return hubs_;
}

bool HubRoster::has(const HubName& hub) const {
  if (!is_list_) return true;
  const MutexLock lock(mutex_);
  return std::any_of(hubs_.begin(), hubs_.end(), [&](const ConfiguredHub& each) { return each.name == hub; });
}

Result<void> HubRoster::may_join(const HubName& hub, PsrdArrival arrival) const {
  if (!has(hub))
    return invalid("the file is of hub " + hub.text() + ", which is not in this KME's configuration");
  if (is_list_ || arrival == PsrdArrival::by_operator || join_dropped_) return {};
  return invalid("the file is of hub " + hub.text() +
                 ", which this KME has not joined; join it with dske-kme ingest-psrd, or set"
                 " join_from_psrd_in");
}

std::string HubRoster::endpoint(const HubName& hub, const std::string& otherwise) const {
  const MutexLock lock(mutex_);
  for (const ConfiguredHub& each : hubs_) {
    if (each.name == hub && !each.endpoint.empty()) return each.endpoint;
  }
  return otherwise;
}

void HubRoster::replace(std::vector<ConfiguredHub> hubs) {
  const MutexLock lock(mutex_);
  hubs_ = std::move(hubs);
}

}  // namespace dske::kme
