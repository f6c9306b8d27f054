// The error answers of key delivery, with the causes that an operator needs.
#pragma once

#include <memory>
#include <vector>

#include "dske/hub_link.h"
#include "dske/initiator.h"
#include "etsi014/api_error.h"
#include "kme/hub_roster.h"

namespace dske::kme {

/// 400 if the request can never be met, else 503; with a detail for each cause.
[[nodiscard]] etsi014::ApiError as_api_error(const Error& error, const std::vector<HubCause>& causes);

/// The hubs of the configuration that cannot be used now, and why.
[[nodiscard]] std::vector<HubCause> unusable_hubs(const HubRoster& roster,
                                                  const std::vector<std::shared_ptr<HubLink>>& links);
/// Adds those of `hubs` that the failure does not name yet, to its causes and its message.
void name_hubs(BundleFailure& failure, std::vector<HubCause> hubs);

/// 503: the SAE's look-up budget is spent.
[[nodiscard]] etsi014::ApiError too_many_look_ups();

}  // namespace dske::kme
