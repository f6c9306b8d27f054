#include "dske/key_share_message.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "dske/one_time_pad.h"

namespace dske {
namespace {

constexpr std::string_view kShareFromPsrd = "psrd";

}  // namespace

SecretBytes KeyShareMessage::take_share(SecretBytes pad) {
  if (source == ShareSource::psrd) return pad;
  apply_pad(encrypted_share.span(), pad.view());
  return std::move(encrypted_share);
}

SecretBytes KeyShareMessage::write() const {
  json::Writer writer;
  writer.begin_object();
  writer.name("context");
  context.write(writer);
  if (source == ShareSource::psrd) {
    writer.name("share_from").string(kShareFromPsrd);
  } else {
    writer.name("encrypted_share").base64(encrypted_share.view());
  }
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
  if (reader.has("share_from")) {
    message.source = ShareSource::psrd;
    if (reader.string("share_from", kShareFromPsrd.size()) != kShareFromPsrd && !reader.failed())
      reader.fail("share_from", "must be \"psrd\"");
  } else {
    message.encrypted_share = reader.base64("encrypted_share", share_bytes, share_bytes);
  }
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
