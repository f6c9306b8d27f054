// DSKE_min_shares_required: no fewer hubs than this can rebuild the key together.
#pragma once

#include "kme/extensions/extension.h"

namespace dske::kme {

inline constexpr Extension kMinSharesRequired{"DSKE_min_shares_required",
                                              [](json::Value value) -> Result<Demand> {
                                                const auto shares = extension_integer(value, 1);
                                                if (!shares) return shares.error();
                                                Demand demand;
                                                demand.shares_required = static_cast<std::size_t>(*shares);
                                                return demand;
                                              }};

}  // namespace dske::kme
