// The paths of ETSI GS QKD 014 V1.1.1 (clause 5): /api/v1/keys/{SAE_ID}/status, enc_keys and dec_keys.
#pragma once

#include <string>
#include <string_view>

#include "base/names.h"
#include "etsi014/api_error.h"

namespace dske::etsi014 {

enum class Resource { status, enc_keys, dec_keys };

struct SaePath {
  SaeId sae;  ///< the slave SAE; the master SAE for dec_keys
  Resource resource = Resource::status;
};

/// One segment of a path, percent-encoded, as an SAE ID; 400 if it is none.
[[nodiscard]] ApiResult<SaeId> parse_sae_segment(std::string_view segment);

/// A path as received, without query. 404 if it is not of the standard's form, 400 if its SAE ID is none.
[[nodiscard]] ApiResult<SaePath> parse_sae_path(std::string_view path);

/// The path for a request, percent-encoded.
[[nodiscard]] std::string sae_path(const SaeId& sae, Resource resource);

}  // namespace dske::etsi014
