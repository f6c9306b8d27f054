// The management interface of a hub (docs/management.md).
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "http/server.h"
#include "hub/client_administration.h"
#include "hub/client_registry.h"
#include "hub/failure_limiter.h"
#include "hub/hub_config.h"
#include "hub/operations.h"
#include "hub/provisioner.h"
#include "hub/psrd_randomness.h"
#include "hub/ready_files.h"
#include "node/psrd_rates.h"
#include "node/worker_thread.h"

namespace dske::hub {

/// What the management interface shows and works on; the references must outlive the routes.
struct ManagedHub {
  HubId id;
  const HubConfig& config;
  ClientRegistry& clients;
  FailureLimiter& failures;
  Operations& operations;
  ClientAdministration& administration;
  const ReadyFiles& files;
  const Provisioner& provisioner;
  const PsrdRandomness& randomness;
  node::WorkerThread& worker;                 ///< makes PSRD
  node::WorkerThread& administration_worker;  ///< for what must not wait for that
  const Clock& clock;
  MonotonicTime started;
  const node::PsrdRateEstimator& rates;  ///< by client name
};

[[nodiscard]] std::vector<http::Route> management_routes(const ManagedHub& hub,
                                                         const std::shared_ptr<const SecretBytes>& token);

}  // namespace dske::hub
