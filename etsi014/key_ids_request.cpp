#include "etsi014/key_ids_request.h"

#include <algorithm>
#include <string>

#include "base/json.h"
#include "etsi014/query.h"

namespace dske::etsi014 {
namespace {

constexpr std::string_view kKeyId = "key_ID";
constexpr std::string_view kKeyIds = "key_IDs";

ApiResult<std::vector<KeyId>> from_query(std::string_view text) {
  const auto id = KeyId::parse(text);
  if (!id) return bad_parameter(kKeyId, "key_ID is " + id.error().message);
  return std::vector<KeyId>{*id};
}

ApiResult<std::vector<KeyId>> from_body(std::string_view text) {
  const auto document = json::Document::parse(text);
  if (!document) return bad_request("the body is " + document.error().message);
  const json::Value body = document->root();
  if (!body.is_object())
    return bad_request("the body is " + std::string(body.kind()) + ", not a JSON object");
  const auto member = body.member("key_IDs");
  if (!member) return bad_parameter(kKeyIds, "key_IDs is missing from the body");
  if (!member->is_array()) {
    return bad_parameter(kKeyIds, "key_IDs is " + std::string(member->kind()) + ", not an array of objects");
  }
  const auto elements = member->elements();
  if (elements.empty()) return bad_parameter(kKeyIds, "key_IDs is empty");

  std::vector<KeyId> ids;
  ids.reserve(elements.size());
  for (const json::Value& element : elements) {
    const std::string where = "key_IDs[" + std::to_string(ids.size()) + "]";
    if (!element.is_object()) {
      return bad_parameter(kKeyIds,
                           where + " is " + std::string(element.kind()) + ", not an object with a key_ID");
    }
    const auto key_id = element.member(kKeyId);
    if (!key_id) return bad_parameter(kKeyIds, where + " has no key_ID");
    const auto id_text = key_id->string();
    if (!id_text)
      return bad_parameter(kKeyIds, where + ".key_ID is " + std::string(key_id->kind()) + ", not a string");
    const auto id = KeyId::parse(*id_text);
    if (!id) return bad_parameter(kKeyIds, where + ".key_ID is " + id.error().message);
    ids.push_back(*id);
  }
  std::vector<KeyId> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  const auto repeated = std::adjacent_find(sorted.begin(), sorted.end());
  if (repeated != sorted.end()) return bad_parameter(kKeyIds, "key_IDs names " + repeated->text() + " twice");
  return ids;
}

}  // namespace

ApiResult<std::vector<KeyId>> parse_key_ids_request(std::string_view query_text, std::string_view body) {
  const auto query = Query::parse(query_text, {kKeyId});
  if (!query) {
    ApiError error = query.error();
    error.message += "; ask for several keys by POST with key_IDs in the body";
    return error;
  }
  const auto in_query = query->value(kKeyId);
  if (in_query && !body.empty()) {
    return bad_request("give one key_ID in the query of the URL or key_IDs in the body, not both");
  }
  if (in_query) return from_query(*in_query);
  if (body.empty())
    return bad_parameter(kKeyIds, "no key is named: give key_ID in the query of the URL, or POST key_IDs");
  return from_body(body);
}

}  // namespace dske::etsi014
