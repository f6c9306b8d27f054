// An extension parameter of "Get key" (ETSI GS QKD 014 V1.1.1, clause 6.2) that this KME obeys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "kme/extensions/demand.h"

namespace dske::kme {

/// One kind of extension, with the vendor prefix DSKE_ in its name.
struct Extension {
  std::string_view name;
  /// What a value asks; the error says why it can never be met.
  Result<Demand> (*read)(json::Value value);
};

/// An integer of at least `least`; the error is for the caller of the KME.
[[nodiscard]] inline Result<std::int64_t> extension_integer(json::Value value, std::int64_t least) {
  const auto number = value.integer();
  if (number && *number >= least) return *number;
  return invalid("must be an integer of at least " + std::to_string(least) +
                 (number ? ", not " + std::to_string(*number) : ""));
}

}  // namespace dske::kme
