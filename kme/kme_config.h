// The configuration of a KME (docs/management.md).
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "dske/initiator.h"
#include "etsi014/limits.h"
#include "http/server.h"
#include "kme/pair_policy.h"
#include "kme/request_limits.h"
#include "kme/sae_identity.h"
#include "node/node_config.h"
#include "psrdfile/psrd_input.h"

namespace dske::kme {

/// A hub that this KME may use.
struct ConfiguredHub {
  HubName name;
  std::string endpoint;  ///< overrides that of the PSRD files unless it is empty
};

struct KmeConfig {
  ClientName name;
  node::NodeConfig node;
  http::TlsServerConfig tls;
  std::set<SaeId> encryptors;  ///< the SAEs that this KME serves
  std::size_t shares_required = 2;
  std::size_t least_shares_required = 2;
  std::vector<ConfiguredHub> hubs;
  std::chrono::seconds key_lifetime{86400};
  KeySource key_source = KeySource::generator;
  etsi014::Limits limits;
  RequestLimitsConfig request_limits;
  SaeIdentity sae_identity;
  PairPolicy pairs;
  IdentityFiles psrd_recipient;  ///< opens PSRD files that are encrypted for this KME
  std::string base_path;  ///< where the ETSI methods are served as well; empty: only at the standard's place

  [[nodiscard]] const ConfiguredHub* find_hub(const HubName& hub) const;
};

[[nodiscard]] Result<KmeConfig> read_kme_config(const std::filesystem::path& file);

}  // namespace dske::kme
