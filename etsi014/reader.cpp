#include "etsi014/reader.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/json.h"

namespace dske::etsi014 {
namespace {

constexpr std::size_t kKeysMost = 65536;
constexpr std::size_t kKeyBytesMost = 16 * 1024 * 1024;
constexpr std::size_t kKmeIdBytesMost = 512;
constexpr std::size_t kMessageBytesMost = 64 * 1024;
constexpr std::size_t kDetailsMost = 1024;
constexpr std::int64_t kCountMost = std::numeric_limits<std::int32_t>::max();

std::uint32_t count(json::ObjectReader& reader, std::string_view name) {
  return static_cast<std::uint32_t>(reader.integer(name, 0, kCountMost));
}

}  // namespace

Result<std::vector<Key>> read_key_container(std::string_view json) {
  const auto document = json::Document::parse(json);
  if (!document) return document.error().within("key container");
  json::ObjectReader container(document->root(), "key container");
  std::vector<Key> keys;
  std::vector<KeyId> ids;
  const auto elements = container.array("keys", kKeysMost);
  if (elements.empty()) container.fail("keys", "is empty");
  if (const auto error = container.finish(json::UnknownMembers::ignore)) return *error;
  for (const json::Value& element : elements) {
    json::ObjectReader reader(element, "key container: keys[" + std::to_string(keys.size()) + "]");
    Key key;
    key.id = reader.parsed<KeyId>("key_ID");
    key.value = reader.base64("key", 1, kKeyBytesMost);
    if (const auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
    ids.push_back(key.id);
    keys.push_back(std::move(key));
  }
  std::sort(ids.begin(), ids.end());
  const auto repeated = std::adjacent_find(ids.begin(), ids.end());
  if (repeated != ids.end())
    return invalid("key container: keys: holds the key_ID " + repeated->text() + " twice");
  return keys;
}

Result<Status> read_status(std::string_view json) {
  const auto document = json::Document::parse(json);
  if (!document) return document.error().within("status");
  json::ObjectReader reader(document->root(), "status");
  Status status;
  status.source_kme_id = reader.string("source_KME_ID", kKmeIdBytesMost);
  status.target_kme_id = reader.string("target_KME_ID", kKmeIdBytesMost);
  status.master_sae_id = reader.parsed<SaeId>("master_SAE_ID");
  status.slave_sae_id = reader.parsed<SaeId>("slave_SAE_ID");
  status.limits.key_size_bits = count(reader, "key_size");
  status.stored_key_count = count(reader, "stored_key_count");
  status.limits.max_key_count = count(reader, "max_key_count");
  status.limits.max_key_per_request = count(reader, "max_key_per_request");
  status.limits.max_key_size_bits = count(reader, "max_key_size");
  status.limits.min_key_size_bits = count(reader, "min_key_size");
  status.limits.max_sae_id_count = count(reader, "max_SAE_ID_count");
  if (status.stored_key_count > status.limits.max_key_count) {
    reader.fail("stored_key_count", "is more than max_key_count");
  }
  if (const auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  if (const auto limits = checked_limits(status.limits); !limits) return limits.error().within("status");
  return status;
}

Result<ApiError> read_error(int http_status, std::string_view json) {
  const auto document = json::Document::parse(json);
  if (!document) return document.error().within("error answer");
  json::ObjectReader reader(document->root(), "error answer");
  ApiError error;
  error.status = http_status;
  error.message = reader.string("message", kMessageBytesMost);
  if (reader.has("details")) {
    for (const json::Value& detail : reader.array("details", kDetailsMost)) {
      if (!detail.is_object()) {
        reader.fail("details", "holds " + std::string(detail.kind()) + ", not only objects");
        break;
      }
      for (const std::string_view name : detail.member_names()) {
        const json::Value value = *detail.member(name);
        const auto text = value.string();
        error.details.push_back(
            {std::string(name), text ? std::string(*text) : json::Writer().value(value).take_text()});
      }
    }
  }
  if (const auto fault = reader.finish(json::UnknownMembers::ignore)) return *fault;
  return error;
}

}  // namespace dske::etsi014
