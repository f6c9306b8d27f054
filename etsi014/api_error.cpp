#include "etsi014/api_error.h"

#include <algorithm>

#include "base/json.h"

namespace dske::etsi014 {
namespace {

// So that an answer does not grow with what was asked for; a message is read by people.
constexpr std::size_t kKeysNamedMost = 100;
constexpr std::size_t kSaesInMessageMost = 8;

std::string quoted_list(const std::vector<SaeId>& saes) {
  std::string text;
  const std::size_t shown = std::min(saes.size(), kSaesInMessageMost);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "\"" : ", \"") + saes[i].text() + "\"";
  if (saes.size() > shown) text += " and " + std::to_string(saes.size() - shown) + " more";
  return text;
}

}  // namespace

SecretBytes to_json(const ApiError& error) {
  json::Writer writer;
  writer.begin_object().name("message").string(error.message);
  if (!error.details.empty()) {
    writer.name("details").begin_array();
    for (const auto& detail : error.details) {
      writer.begin_object().name(detail.name).string(detail.value).end_object();
    }
    writer.end_array();
  }
  writer.end_object();
  return writer.take();
}

ApiError bad_request(std::string message) {
  return {400, std::move(message), {}};
}

ApiError bad_parameter(std::string_view name, std::string message, std::optional<Range> range) {
  ApiError error = bad_request(std::move(message));
  error.details.push_back({"parameter", std::string(name)});
  if (range) {
    error.details.push_back({"least", std::to_string(range->least)});
    error.details.push_back({"most", std::to_string(range->most)});
  }
  return error;
}

ApiError size_not_in_bytes() {
  return bad_parameter("size", "size shall be a multiple of 8");
}

ApiError unsupported_mandatory_extensions(const std::vector<std::string>& names) {
  ApiError error = bad_request("not all extension_mandatory parameters are supported");
  for (const std::string& name : names) error.details.push_back({"extension_mandatory_unsupported", name});
  return error;
}

ApiError unmet_mandatory_extensions(const std::vector<UnmetExtension>& unmet) {
  ApiError error = bad_request("not all extension_mandatory request options could be met");
  for (const UnmetExtension& each : unmet)
    error.details.push_back({"extension_mandatory_unmet", each.name + ": " + each.reason});
  return error;
}

ApiError unknown_saes(const std::vector<SaeId>& saes) {
  ApiError error = bad_request(
      saes.size() == 1 ? "the SAE ID " + quoted_list(saes) + " is not known in this key network"
                       : "the SAE IDs " + quoted_list(saes) + " are not known in this key network");
  for (const SaeId& sae : saes) error.details.push_back({"unknown_SAE_ID", sae.text()});
  return error;
}

ApiError keys_not_found(const std::vector<KeyId>& missing) {
  ApiError error = bad_request("one or more keys specified are not found on KME");
  for (const KeyId& id : missing) {
    if (error.details.size() == kKeysNamedMost) {
      error.details.push_back({"further_keys", std::to_string(missing.size() - kKeysNamedMost)});
      break;
    }
    error.details.push_back({"key_ID", id.text()});
  }
  return error;
}

ApiError pair_not_allowed(const SaeId& master, const std::vector<SaeId>& slaves) {
  ApiError error{401,
                 "this KME does not allow keys of the master SAE \"" + master.text() +
                     "\" for the slave SAE " + quoted_list(slaves),
                 {}};
  for (const SaeId& slave : slaves) error.details.push_back({"slave_SAE_ID", slave.text()});
  return error;
}

ApiError not_named_for_keys() {
  return {401, "this SAE was not named, with this master SAE, when the requested keys were made", {}};
}

ApiError unauthorized(std::string reason) {
  return {401, std::move(reason), {}};
}

ApiError unknown_path() {
  return {
      404, "there is nothing here; the paths are /api/v1/keys/{SAE_ID}/status, enc_keys and dec_keys", {}};
}

ApiError unsupported_media_type() {
  return {415, "the Content-Type of the body must be application/json", {}};
}

ApiError too_many_requests(std::string reason) {
  return {429, std::move(reason), {}};
}

ApiError unavailable(std::string reason, std::vector<ApiError::Detail> details) {
  return {503, std::move(reason), std::move(details)};
}

}  // namespace dske::etsi014
