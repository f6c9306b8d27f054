#include "etsi014/query.h"

#include <algorithm>

#include "base/percent_encoding.h"

namespace dske::etsi014 {

ApiResult<Query> Query::parse(std::string_view text, const std::vector<std::string_view>& known) {
  Query query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decode(pair.substr(0, equals));
    auto value = percent_decode(pair.substr(std::min(pair.size(), equals + 1)));
    if (!name || !value)
      return bad_request("the query of the URL holds " + (name ? value : name).error().message);
    const auto known_name = std::find(known.begin(), known.end(), *name);
    if (known_name == known.end()) continue;
    if (query.has(*known_name)) {
      return bad_parameter(*known_name,
                           "the query of the URL holds " + std::string(*known_name) + " more than once");
    }
    query.parameters_.push_back({*known_name, std::move(*value)});
  }
  return query;
}

std::optional<std::string_view> Query::value(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

}  // namespace dske::etsi014
