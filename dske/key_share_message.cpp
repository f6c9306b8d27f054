#include "dske/key_share_message.h"

#include <algorithm>

#include "base/json.h"

namespace dske {

SecretBytes KeyShareMessage::write() const {
  json::Writer writer;
  writer.begin_object();
  writer.name("context");
  context.write(writer);
  writer.name("encrypted_share").base64(encrypted_share.view());
  write_allocation(writer, "allocation", allocation);
  writer.name("secret_tag").base64(secret_tag);
  writer.name("lifetime_seconds").integer(lifetime.count());
  writer.end_object();
  return writer.take();
}

Result<KeyShareMessage> KeyShareMessage::parse(std::string_view text) {
  auto document = json::Document::parse(text);
  if (!document) return document.error().within("key share");
  json::ObjectReader reader(document->root(), "key share");
  KeyShareMessage message;
  const json::Value context_value = reader.object("context");
  if (!reader.failed()) {
    auto context = BundleContext::read(context_value);
    if (!context) return context.error().within("key share");
    message.context = std::move(*context);
  }
  const std::uint64_t share_bytes = message.context.share_bytes();
  message.encrypted_share = reader.base64("encrypted_share", share_bytes, share_bytes);
  message.allocation = read_allocation(reader, "allocation");
  const SecretBytes tag = reader.base64("secret_tag", message.secret_tag.size(), message.secret_tag.size());
  message.lifetime = std::chrono::seconds(reader.integer("lifetime_seconds", 1, kLifetimeMost.count()));
  if (!reader.failed() && allocation_size(message.allocation) != share_bytes) {
    reader.fail("allocation", "must have the share's size");
  }
  if (auto fault = reader.finish(json::UnknownMembers::refuse)) return *fault;
  std::copy_n(tag.data(), tag.size(), message.secret_tag.begin());
  return message;
}

}  // namespace dske
