// The same bytes as a relay moves, over the same HTTP layer, with nothing done to them.
#pragma once

#include "bench/relay_flow.h"

namespace dske::bench {

/// As relay_bundles(), with `hubs` servers in this process that drop each POSTed body and answer each GET
/// with one of the same size: what HTTP alone takes for a bundle's shares, there and back.
[[nodiscard]] Result<double> relay_raw_bodies(std::size_t hubs, const RelayLoad& load);

}  // namespace dske::bench
