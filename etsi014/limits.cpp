#include "etsi014/limits.h"

#include <limits>
#include <string>

namespace dske::etsi014 {
namespace {

constexpr std::uint32_t kMost = std::numeric_limits<std::int32_t>::max();

}  // namespace

Result<Limits> checked_limits(const Limits& limits) {
  const struct {
    const char* name;
    std::uint32_t value;
    std::uint32_t least;
    std::uint32_t most;
    bool whole_bytes;
  } rules[] = {
      {"max_key_size", limits.max_key_size_bits, 8, kMost, true},
      {"min_key_size", limits.min_key_size_bits, 8, limits.max_key_size_bits, true},
      {"key_size", limits.key_size_bits, limits.min_key_size_bits, limits.max_key_size_bits, true},
      {"max_key_per_request", limits.max_key_per_request, 1, kMost, false},
      {"max_key_count", limits.max_key_count, 0, kMost, false},
      {"max_SAE_ID_count", limits.max_sae_id_count, 0, kMost, false},
  };
  for (const auto& rule : rules) {
    if (rule.value < rule.least || rule.value > rule.most) {
      return invalid(std::string(rule.name) + " must be from " + std::to_string(rule.least) + " to " +
                     std::to_string(rule.most) + ", and is " + std::to_string(rule.value));
    }
    if (rule.whole_bytes && rule.value % 8 != 0) {
      return invalid(std::string(rule.name) + " is in bits and must be a multiple of 8, and is " +
                     std::to_string(rule.value));
    }
  }
  return limits;
}

}  // namespace dske::etsi014
