// The query part of a request's target: name=value pairs joined by "&", percent-encoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "etsi014/api_error.h"

namespace dske::etsi014 {

/// The parameters of one query, decoded. "+" means itself, as in RFC 3986 (SAE IDs may hold it).
class Query {
 public:
  /// `text` is the query as received, without the "?". Fails with 400 on bad percent-encoding, and if a name
  /// that is in `known` appears twice; what other names say is not looked at.
  [[nodiscard]] static ApiResult<Query> parse(std::string_view text,
                                              const std::vector<std::string_view>& known);

  /// The value of a known parameter (empty if it has no "="), or nothing if it is not there.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return value(name).has_value(); }

 private:
  struct Parameter {
    std::string_view name;
    std::string value;
  };
  std::vector<Parameter> parameters_;
};

}  // namespace dske::etsi014
