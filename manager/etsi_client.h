// An SAE's calls of ETSI GS QKD 014 V1.1.1 over mutual TLS, printed for people who try a network out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/network.h"

namespace dske::manager {

enum class EtsiOperation { get_status, get_key, get_key_with_key_ids, get_key_pair };

struct EtsiRequest {
  std::string master_sae;
  std::string slave_sae;
  EtsiOperation operation = EtsiOperation::get_status;
  std::vector<std::string> key_ids;  ///< of get_key_with_key_ids
  std::optional<std::int64_t> number;
  std::optional<std::int64_t> size_bits;
};

/// Makes the call as the SAE that the standard has make it, with its certificate from the network's PKI, and
/// prints request, URL and answer, keys included. get_key_pair gets keys as the master, then the same ones as
/// the slave, and prints whether they match. An error if a call failed or keys differ; the KME's own message
/// is in it.
[[nodiscard]] Result<void> run_etsi_request(const Network& network, const EtsiRequest& request);

}  // namespace dske::manager
