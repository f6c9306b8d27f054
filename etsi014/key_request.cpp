#include "etsi014/key_request.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <set>

#include "base/json.h"
#include "base/utf8.h"
#include "etsi014/query.h"

namespace dske::etsi014 {
namespace {

constexpr std::string_view kNumber = "number";
constexpr std::string_view kSize = "size";
constexpr std::string_view kAdditional = "additional_slave_SAE_IDs";
constexpr std::string_view kMandatory = "extension_mandatory";
constexpr std::string_view kOptional = "extension_optional";

// So that an answer that names every unsupported extension cannot outgrow its request by much.
constexpr std::size_t kExtensionsMost = 64;
constexpr std::size_t kExtensionNameMost = 256;

std::string in_quotes(std::string_view text) {
  return std::string("\"").append(text).append("\"");
}

// A whole decimal number, or nothing. One that is too large for the type is the largest, which every limit
// refuses.
std::optional<std::int64_t> decimal(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::numeric_limits<std::int64_t>::max();
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// What the request says of an integer parameter. `given` is false when it says nothing; `value` is empty when
// what it says is no integer.
struct Integer {
  bool given = false;
  std::optional<std::int64_t> value;
};

ApiResult<Integer> integer(std::string_view name, const Query& query,
                           const std::optional<json::Value>& body) {
  const auto in_query = query.value(name);
  const auto in_body = body ? body->member(name) : std::nullopt;
  if (in_query && in_body) {
    return bad_parameter(name,
                         std::string(name) + " is given twice, in the query of the URL and in the body");
  }
  if (in_query) return Integer{true, decimal(*in_query)};
  if (in_body) return Integer{true, in_body->integer()};
  return Integer{};
}

ApiResult<std::uint32_t> number_of(const Integer& asked, const Limits& limits) {
  if (!asked.given) return std::uint32_t{1};
  if (!asked.value || *asked.value < 1 || *asked.value > limits.max_key_per_request) {
    return bad_parameter(kNumber,
                         "number must be an integer from 1 to " + std::to_string(limits.max_key_per_request) +
                             " (max_key_per_request)",
                         Range{1, limits.max_key_per_request});
  }
  return static_cast<std::uint32_t>(*asked.value);
}

ApiResult<std::uint32_t> size_bits_of(const Integer& asked, const Limits& limits) {
  if (!asked.given) return limits.key_size_bits;
  // A size below the least that is no multiple of 8 gets the standard's message, which is the more helpful
  // one.
  if (asked.value && *asked.value > 0 && *asked.value <= limits.max_key_size_bits && *asked.value % 8 != 0) {
    return size_not_in_bytes();
  }
  if (!asked.value || *asked.value < limits.min_key_size_bits || *asked.value > limits.max_key_size_bits) {
    return bad_parameter(kSize,
                         "size must be an integer number of bits from " +
                             std::to_string(limits.min_key_size_bits) + " (min_key_size) to " +
                             std::to_string(limits.max_key_size_bits) + " (max_key_size)",
                         Range{limits.min_key_size_bits, limits.max_key_size_bits});
  }
  return static_cast<std::uint32_t>(*asked.value);
}

ApiError bad_additional(const std::string& reason) {
  return bad_parameter(kAdditional, std::string(kAdditional) + reason);
}

ApiResult<std::vector<SaeId>> additional_slaves(const json::Value& member, const SaePair& saes,
                                                const Limits& limits) {
  if (!member.is_array())
    return bad_additional(" is " + std::string(member.kind()) + ", not an array of strings");
  const auto elements = member.elements();
  if (elements.empty()) return bad_additional(" is empty: leave it out, or name an SAE");
  if (limits.max_sae_id_count == 0) {
    return bad_additional(" is not supported by this KME (max_SAE_ID_count is 0)");
  }
  if (elements.size() > limits.max_sae_id_count) {
    return bad_parameter(kAdditional,
                         std::string(kAdditional) + " must name at most " +
                             std::to_string(limits.max_sae_id_count) + " SAEs (max_SAE_ID_count)",
                         Range{1, limits.max_sae_id_count});
  }
  if (saes.master == saes.slave) {
    return bad_additional(" cannot be used with the caller's own SAE ID in the URL");
  }
  std::vector<SaeId> ids;
  for (const json::Value& element : elements) {
    const auto text = element.string();
    if (!text) return bad_additional(" holds " + std::string(element.kind()) + ", not only strings");
    auto id = SaeId::parse(*text);
    if (!id) return bad_additional(": " + id.error().message);
    if (*id == saes.master) return bad_additional(" names the master SAE " + in_quotes(*text));
    if (*id == saes.slave)
      return bad_additional(" names the slave SAE of the URL " + in_quotes(*text) + " again");
    ids.push_back(std::move(*id));
  }
  std::vector<SaeId> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  const auto repeated = std::adjacent_find(sorted.begin(), sorted.end());
  if (repeated != sorted.end()) return bad_additional(" names " + in_quotes(repeated->text()) + " twice");
  return ids;
}

// All parameters of an extension array, in their order.
ApiResult<std::vector<ExtensionParameter>> extension_parameters(const json::Value& member,
                                                                std::string_view parameter) {
  const auto bad = [&](const std::string& reason) {
    return bad_parameter(parameter, std::string(parameter) + reason);
  };
  if (!member.is_array()) return bad(" is " + std::string(member.kind()) + ", not an array of objects");
  std::vector<ExtensionParameter> parameters;
  std::set<std::string_view> seen;
  for (const json::Value& element : member.elements()) {
    if (!element.is_object()) return bad(" holds " + std::string(element.kind()) + ", not only objects");
    for (const std::string_view name : element.member_names()) {
      if (name.size() > kExtensionNameMost) {
        return bad(" holds a name of more than " + std::to_string(kExtensionNameMost) + " bytes");
      }
      if (has_control_characters(name)) return bad(" holds a name with control characters");
      if (!seen.insert(name).second) return bad(" holds " + in_quotes(name) + " twice");
      if (seen.size() > kExtensionsMost) {
        return bad(" holds more than " + std::to_string(kExtensionsMost) + " parameters");
      }
      parameters.push_back({std::string(name), *element.member(name)});
    }
  }
  return parameters;
}

ApiResult<std::vector<ExtensionParameter>> mandatory_extensions(const json::Value& member,
                                                                std::span<const std::string_view> supported) {
  auto parameters = extension_parameters(member, kMandatory);
  if (!parameters) return parameters;
  std::vector<std::string> unsupported;
  for (const ExtensionParameter& parameter : *parameters) {
    if (std::find(supported.begin(), supported.end(), parameter.name) == supported.end())
      unsupported.push_back(parameter.name);
  }
  if (!unsupported.empty()) return unsupported_mandatory_extensions(unsupported);
  return parameters;
}

}  // namespace

ApiResult<KeyRequest> parse_key_request(std::string_view query_text, std::string_view body_text,
                                        const SaePair& saes, const Limits& limits,
                                        std::span<const std::string_view> supported_extensions) {
  const auto query = Query::parse(query_text, {kNumber, kSize, kAdditional, kMandatory});
  if (!query) return query.error();
  for (const std::string_view name : {kAdditional, kMandatory}) {
    // To ignore one of these would deliver something else than was asked for.
    if (query->has(name))
      return bad_parameter(name, std::string(name) + " can only stand in the body of a POST request");
  }

  KeyRequest request;
  std::optional<json::Value> body;
  if (!body_text.empty()) {
    auto parsed = json::Document::parse(body_text);
    if (!parsed) return bad_request("the body is " + parsed.error().message);
    request.document = std::make_shared<const json::Document>(std::move(*parsed));
    body = request.document->root();
    if (!body->is_object())
      return bad_request("the body is " + std::string(body->kind()) + ", not a JSON object");
  }

  const auto asked_number = integer(kNumber, *query, body);
  if (!asked_number) return asked_number.error();
  const auto number = number_of(*asked_number, limits);
  if (!number) return number.error();
  request.number = *number;

  const auto asked_size = integer(kSize, *query, body);
  if (!asked_size) return asked_size.error();
  const auto size_bits = size_bits_of(*asked_size, limits);
  if (!size_bits) return size_bits.error();
  request.size_bits = *size_bits;

  if (!body) return request;
  if (const auto member = body->member(kAdditional)) {
    auto ids = additional_slaves(*member, saes, limits);
    if (!ids) return ids.error();
    request.additional_slave_sae_ids = std::move(*ids);
  }
  if (const auto member = body->member(kMandatory)) {
    auto parameters = mandatory_extensions(*member, supported_extensions);
    if (!parameters) return parameters.error();
    request.mandatory_extensions = std::move(*parameters);
  }
  if (const auto member = body->member(kOptional)) {
    auto parameters = extension_parameters(*member, kOptional);
    if (!parameters) return parameters.error();
    request.optional_extensions = std::move(*parameters);
  }
  return request;
}

}  // namespace dske::etsi014
