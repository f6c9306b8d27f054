// The answer to "Get status" (ETSI GS QKD 014 V1.1.1, clauses 5.1 and 6.1).
#pragma once

#include <cstdint>
#include <string>

#include "base/names.h"
#include "base/secret.h"
#include "etsi014/limits.h"

namespace dske::etsi014 {

/// The standard's eleven fields; the sizes and counts that do not change are in `limits`.
struct Status {
  std::string source_kme_id;           ///< the KME that answers
  std::string target_kme_id;           ///< the KME that serves the slave SAE
  SaeId master_sae_id;                 ///< the caller
  SaeId slave_sae_id;                  ///< the SAE of the path
  std::uint32_t stored_key_count = 0;  ///< keys ready for this pair of SAEs
  Limits limits;
};

/// The status object. A stored_key_count over max_key_count is told as max_key_count: clients check that
/// relation.
[[nodiscard]] SecretBytes to_json(const Status& status);

}  // namespace dske::etsi014
