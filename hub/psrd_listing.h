// The hub's PSRD by client and block, as operators see it (docs/management.md).
#pragma once

#include <set>

#include "base/json.h"
#include "base/names.h"
#include "base/secret.h"
#include "dske/leased_pool.h"
#include "hub/client_registry.h"
#include "hub/ready_files.h"
#include "node/psrd_rates.h"

namespace dske::hub {

/// What is left of the blocks that the client has ingested: the two sides see the same. Those that the pool
/// allocates from were ingested, and those of `also_ingested`.
[[nodiscard]] PsrdLevels ingested_levels(const Client& client, const std::set<BlockId>& also_ingested = {});

/// As GET psrd answers it. Waits for the disk. Without `rates` none are known.
[[nodiscard]] SecretBytes psrd_json(const ClientRegistry& clients, const ReadyFiles& files,
                                    const std::set<BlockId>& also_ingested = {},
                                    const node::PsrdRateEstimator* rates = nullptr);

}  // namespace dske::hub
