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
#include "kme/key_store_config.h"
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

  bool operator==(const ConfiguredHub&) const = default;
};

struct KmeConfig {
  std::filesystem::path file;  ///< what it was read from
  ClientName name;
  node::NodeConfig node;
  http::TlsServerConfig tls;
  std::set<SaeId> encryptors;  ///< the SAEs that this KME serves
  std::size_t shares_required = 2;
  std::size_t least_shares_required = 2;
  /// Whether the file lists hubs; without a list they are those whose PSRD was ingested.
  bool hubs_listed = true;
  std::vector<ConfiguredHub> hubs;
  bool join_from_psrd_in = false;  ///< without a list: also those of files that are dropped into psrd-in/
  std::chrono::seconds key_lifetime{86400};
  KeySource key_source = KeySource::generator;
  bool fetch_ahead = true;  ///< bundles are fetched before an SAE asks for their keys
  etsi014::Limits limits;
  KeyStoreConfig key_store;
  RequestLimitsConfig request_limits;
  SaeIdentity sae_identity;
  PairPolicy pairs;
  IdentityFiles psrd_recipient;  ///< opens PSRD files that are encrypted for this KME
  std::string base_path;  ///< where the ETSI methods are served as well; empty: only at the standard's place
};

[[nodiscard]] Result<KmeConfig> read_kme_config(const std::filesystem::path& file);

}  // namespace dske::kme
