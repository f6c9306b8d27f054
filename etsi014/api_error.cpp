#include "etsi014/api_error.h"

#include "base/json.h"

namespace dske::etsi014 {

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

ApiError size_not_in_bytes() {
  return bad_request("size shall be a multiple of 8");
}

ApiError unsupported_mandatory_extensions(const std::vector<std::string>& names) {
  ApiError error = bad_request("not all extension_mandatory parameters are supported");
  for (const std::string& name : names) error.details.push_back({"extension_mandatory_unsupported", name});
  return error;
}

ApiError unmet_mandatory_extensions() {
  return bad_request("not all extension_mandatory request options could be met");
}

ApiError unknown_sae(const SaeId& sae) {
  return bad_request("the SAE ID \"" + sae.text() + "\" is not known in this key network");
}

ApiError keys_not_found() {
  return bad_request("one or more keys specified are not found on KME");
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

ApiError unavailable(std::string reason) {
  return {503, std::move(reason), {}};
}

}  // namespace dske::etsi014
