#include "etsi014/key_container.h"

#include <string_view>

#include "base/base64.h"
#include "base/json.h"

namespace dske::etsi014 {

namespace {

// An entry has nothing that needs escapes, and there may be many of them in an answer: they are put together
// from their parts.
constexpr std::string_view kBegin = R"({"keys":[)";
constexpr std::string_view kKeyId = R"({"key_ID":")";
constexpr std::string_view kKey = R"(","key":")";
constexpr std::string_view kEnd = R"("})";

std::size_t entry_length(const Key& key) {
  return kKeyId.size() + Uuid::kTextLength + kKey.size() + base64_length(key.value.size()) + kEnd.size() + 1;
}

SecretBytes extension_json(std::span<const ContainerExtension> extension) {
  json::Writer writer;
  writer.begin_object();
  for (const ContainerExtension& member : extension) writer.name(member.name).integer(member.value);
  writer.end_object();
  return writer.take();
}

}  // namespace

SecretBytes key_container_json(std::span<const Key> keys, std::span<const ContainerExtension> extension) {
  SecretBytes text;
  std::size_t length = kBegin.size() + 2;
  for (const Key& key : keys) length += entry_length(key);
  text.reserve(length);
  text.append(kBegin);
  for (const Key& key : keys) {
    if (&key != &keys.front()) text.append(",");
    const Uuid::Text id = key.id.uuid().characters();
    text.append(kKeyId);
    text.append(std::string_view(id.data(), id.size()));
    text.append(kKey);
    append_base64(text, key.value.view());
    text.append(kEnd);
  }
  text.append("]");
  if (!extension.empty()) {
    text.append(R"(,"key_container_extension":)");
    text.append(extension_json(extension).view());
  }
  text.append("}");
  return text;
}

}  // namespace dske::etsi014
