// "Get key" (ETSI GS QKD 014 V1.1.1, clauses 5.2 and 6.2): what a master SAE asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/names.h"
#include "etsi014/api_error.h"
#include "etsi014/limits.h"

namespace dske::etsi014 {

/// A parameter of extension_mandatory or extension_optional; its value is of any type.
struct ExtensionParameter {
  std::string name;
  json::Value value;
};

/// A complete, checked request.
struct KeyRequest {
  std::uint32_t number = 1;                     ///< of keys, 1 to Limits::max_key_per_request
  std::uint32_t size_bits = 0;                  ///< of each key, a multiple of 8 between the limits
  std::vector<SaeId> additional_slave_sae_ids;  ///< each once; neither the master nor the slave of the path
  std::vector<ExtensionParameter> mandatory_extensions;  ///< each name once, all of them supported
  std::vector<ExtensionParameter> optional_extensions;   ///< each name once, known or not
  std::shared_ptr<const json::Document> document;        ///< where the extensions' values live

  [[nodiscard]] std::size_t size_bytes() const { return size_bits / 8; }
};

/// Whose request it is: the caller, and the SAE of the path.
struct SaePair {
  SaeId master;
  SaeId slave;

  auto operator<=>(const SaePair&) const = default;
};

/// Reads a request from the query of its URL (as received, without the "?") and its body, in the same way for
/// GET and POST: both may carry parameters, an empty body is an empty request, and what neither gives has its
/// default. A parameter that is given twice is an error, in whichever places.
///
/// Only number and size can stand in the query; unknown names in query and body are ignored.
/// `supported_extensions` are the names that the caller knows; others are refused in extension_mandatory.
[[nodiscard]] ApiResult<KeyRequest> parse_key_request(
    std::string_view query, std::string_view body, const SaePair& saes, const Limits& limits,
    std::span<const std::string_view> supported_extensions = {});

}  // namespace dske::etsi014
