// The management interface of a KME (docs/management.md).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/json.h"
#include "base/secret.h"
#include "http/server.h"
#include "kme/held_keys.h"
#include "kme/hub_links.h"
#include "kme/key_delivery.h"
#include "kme/key_store.h"
#include "kme/kme_config.h"
#include "kme/psrd_ingestion.h"
#include "node/worker_thread.h"

namespace dske::kme {

/// What the management interface shows and works on; the references must outlive the routes and the loop's
/// tasks.
struct ManagedKme {
  const KmeConfig& config;
  HubLinks& links;
  const HeldKeys& held;
  const KeyDelivery& delivery;
  const KeyStore& key_store;
  PsrdIngestion& ingestion;
  node::WorkerThread& worker;
  EventLoop& loop;
  const Clock& clock;
  MonotonicTime started;
};

[[nodiscard]] std::vector<http::Route> management_routes(const ManagedKme& kme,
                                                         const std::shared_ptr<const SecretBytes>& token);

/// Why the KME cannot do its work now; empty if it can. Thread-safe.
[[nodiscard]] std::string not_ready_reason(const KmeConfig& config, const HubLinks& links);

/// A hub as GET hubs tells of it.
struct HubEntry {
  std::string name;
  std::string hub_id;  ///< empty if none is known
  std::string endpoint;
  std::string state;
  std::string error;
  std::size_t blocks = 0;
};
void write_hub_entry(json::Writer& writer, const HubEntry& hub);

/// {NAME: VALUE, DID: true}, the answer of what was done.
[[nodiscard]] SecretBytes done_json(const std::string& name, const std::string& value,
                                    const std::string& did);

/// {"block_uuid", "hub"} as POST psrd answers it.
[[nodiscard]] SecretBytes ingested_json(const Ingested& ingested);

}  // namespace dske::kme
