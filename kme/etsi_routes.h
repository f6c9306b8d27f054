// The ETSI GS QKD 014 interface over HTTP: who calls, what is asked, how it is answered.
#pragma once

#include <memory>
#include <vector>

#include "base/event_loop.h"
#include "http/server.h"
#include "kme/key_delivery.h"
#include "kme/kme_config.h"

namespace dske::kme {

/// The routes of the standard's three methods, also below the configured base path. Requests are checked on
/// the HTTP worker; held keys are given out there, all else is carried out on `loop`, within the limits on
/// requests of each SAE and of all. The references must outlive the routes and the loop's tasks.
[[nodiscard]] std::vector<http::Route> etsi_routes(const KmeConfig& config, KeyDelivery& delivery,
                                                   EventLoop& loop);

}  // namespace dske::kme
