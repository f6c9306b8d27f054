// What a KME grants in one ETSI GS QKD 014 V1.1.1 request, as it tells it in its status (clause 6.1).
#pragma once

#include <cstdint>

#include "base/result.h"

namespace dske::etsi014 {

/// Sizes are in bits, as everywhere in the standard; keys are whole bytes.
struct Limits {
  std::uint32_t key_size_bits = 256;  ///< what a request gets that names no size
  std::uint32_t min_key_size_bits = 8;
  std::uint32_t max_key_size_bits = 65536;
  std::uint32_t max_key_per_request = 128;
  std::uint32_t max_key_count = 100000;  ///< the most keys that one pair of SAEs can have in store
  std::uint32_t max_sae_id_count = 16;   ///< additional slave SAEs in one request; 0: no multicast
};

/// `limits` as they are, or an error that names the first field that contradicts the standard or another
/// field: 8 <= min <= default <= max, all three whole bytes, at least one key per request, everything a
/// signed 32-bit number (which is what existing clients read them into).
[[nodiscard]] Result<Limits> checked_limits(const Limits& limits);

}  // namespace dske::etsi014
