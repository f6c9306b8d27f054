// DSKE_min_hubs: at least this many hubs, for each slave's KME, have stored their share durably before the
// answer, so that the key outlives the loss of some of them.
#pragma once

#include "kme/extensions/extension.h"

namespace dske::kme {

inline constexpr Extension kMinHubs{"DSKE_min_hubs", [](json::Value value) -> Result<Demand> {
                                      const auto hubs = extension_integer(value, 1);
                                      if (!hubs) return hubs.error();
                                      Demand demand;
                                      demand.hubs = static_cast<std::size_t>(*hubs);
                                      return demand;
                                    }};

}  // namespace dske::kme
