// The management interface of a hub (docs/management.md).
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "http/server.h"
#include "hub/client_registry.h"
#include "hub/failure_limiter.h"
#include "hub/hub_config.h"
#include "hub/operations.h"
#include "hub/psrd_randomness.h"
#include "node/worker_thread.h"

namespace dske::hub {

/// What the management interface shows and works on; the references must outlive the routes.
struct ManagedHub {
  HubId id;
  const HubConfig& config;
  ClientRegistry& clients;
  FailureLimiter& failures;
  Operations& operations;
  const PsrdRandomness& randomness;
  node::WorkerThread& worker;
  const Clock& clock;
  MonotonicTime started;
};

[[nodiscard]] std::vector<http::Route> management_routes(const ManagedHub& hub,
                                                         const std::shared_ptr<const SecretBytes>& token);

/// {"clients": [...]} as GET clients answers it.
[[nodiscard]] SecretBytes clients_json(const ClientRegistry& clients);
/// {"clients": [{"name", "psrd", "blocks": [...]}]}: what is left of the PSRD, by client and block. The
/// blocks that the pools allocate from were ingested, and those of `also_ingested`.
[[nodiscard]] SecretBytes psrd_json(const ClientRegistry& clients,
                                    const std::set<BlockId>& also_ingested = {});
/// One client as PUT clients answers it.
[[nodiscard]] SecretBytes client_json(const Client& client);

}  // namespace dske::hub
