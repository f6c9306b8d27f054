#include "kme/delivery_errors.h"

#include <algorithm>
#include <utility>

namespace dske::kme {

using etsi014::ApiError;

ApiError as_api_error(const Error& error, const std::vector<HubCause>& causes) {
  ApiError answer = error.kind == ErrorKind::invalid ? etsi014::bad_request(error.message)
                                                     : etsi014::unavailable(error.message);
  for (const HubCause& each : causes) answer.details.push_back({"hub", each.hub.text() + ": " + each.cause});
  return answer;
}

std::vector<HubCause> unusable_hubs(const HubRoster& roster,
                                    const std::vector<std::shared_ptr<HubLink>>& links) {
  std::vector<HubCause> causes;
  for (const auto& link : links) {
    if (!link->last_error().empty()) {
      causes.push_back({link->address().name, link->last_error()});
    } else if (!link->registered()) {
      causes.push_back({link->address().name, "not registered yet"});
    }
  }
  // Of those that never gave PSRD there is no link.
  for (const ConfiguredHub& hub : roster.listed()) {
    const auto is_its = [&](const auto& link) { return link->address().name == hub.name; };
    if (std::none_of(links.begin(), links.end(), is_its))
      causes.push_back({hub.name, "no PSRD with this hub"});
  }
  return causes;
}

void name_hubs(BundleFailure& failure, std::vector<HubCause> hubs) {
  for (HubCause& each : hubs) {
    const auto same = [&](const HubCause& known) { return known.hub == each.hub; };
    if (std::any_of(failure.hubs.begin(), failure.hubs.end(), same)) continue;
    if (failure.message.find(each.hub.text() + ": ") == std::string::npos)
      failure.message += "; " + text_of({each});
    failure.hubs.push_back(std::move(each));
  }
}

ApiError too_many_look_ups() {
  return etsi014::unavailable("this SAE asked for too much that does not exist; try again later");
}

}  // namespace dske::kme
