#include "etsi014/key_container.h"

#include "base/json.h"

namespace dske::etsi014 {

SecretBytes key_container_json(std::span<const Key> keys, std::span<const ContainerExtension> extension) {
  json::Writer writer;
  writer.begin_object().name("keys").begin_array();
  for (const Key& key : keys) {
    writer.begin_object();
    writer.name("key_ID").string(key.id.text());
    writer.name("key").base64(key.value.view());
    writer.end_object();
  }
  writer.end_array();
  if (!extension.empty()) {
    writer.name("key_container_extension").begin_object();
    for (const ContainerExtension& member : extension) writer.name(member.name).integer(member.value);
    writer.end_object();
  }
  writer.end_object();
  return writer.take();
}

}  // namespace dske::etsi014
