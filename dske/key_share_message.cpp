#include "dske/key_share_message.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "dske/one_time_pad.h"

namespace dske {
namespace {

constexpr std::string_view kShareFromPsrd = "psrd";
constexpr std::size_t kLengthBytes = 4;  // of the head's length

struct Parts {
  std::string_view head;
  std::string_view share;

  static Result<Parts> of(std::string_view body) {
    if (body.size() < kLengthBytes) return invalid("key share: it is cut off");
    std::size_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) length = length << 8 | static_cast<std::uint8_t>(body[i]);
    body.remove_prefix(kLengthBytes);
    if (length > body.size()) return invalid("key share: its head is cut off");
    return Parts{body.substr(0, length), body.substr(length)};
  }
};

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
  if (source == ShareSource::psrd) writer.name("share_from").string(kShareFromPsrd);
  write_allocation(writer, "allocation", allocation);
  writer.name("secret_tag").base64(secret_tag);
  writer.name("lifetime_seconds").integer(lifetime.count());
  writer.end_object();
  const SecretBytes head = writer.take();
  SecretBytes body;
  body.reserve(kLengthBytes + head.size() + encrypted_share.size());
  for (std::size_t i = kLengthBytes; i-- > 0;)
    body.push_back(static_cast<std::uint8_t>(head.size() >> 8 * i));
  body.append(head.view());
  body.append(encrypted_share.view());
  return body;
}

Result<KeyShareMessage> KeyShareMessage::parse(std::string_view body) {
  const auto parts = Parts::of(body);
  if (!parts) return parts.error();
  auto document = json::Document::parse(parts->head);
  if (!document) return document.error().within("key share");
  json::ObjectReader reader(document->root(), "key share");
  KeyShareMessage message;
  const json::Value context_value = reader.object("context");
  if (!reader.failed()) {
    auto context = BundleContext::read(context_value);
    if (!context) return context.error().within("key share");
    message.context = std::move(*context);
  }
  if (reader.has("share_from")) {
    message.source = ShareSource::psrd;
    if (reader.string("share_from", kShareFromPsrd.size()) != kShareFromPsrd && !reader.failed())
      reader.fail("share_from", "must be \"psrd\"");
  }
  message.allocation = read_allocation(reader, "allocation");
  const SecretBytes tag = reader.base64("secret_tag", message.secret_tag.size(), message.secret_tag.size());
  message.lifetime = std::chrono::seconds(reader.integer("lifetime_seconds", 1, kLifetimeMost.count()));
  const std::uint64_t share_bytes = message.context.share_bytes();
  if (!reader.failed() && allocation_size(message.allocation) != share_bytes) {
    reader.fail("allocation", "must have the share's size");
  }
  if (auto fault = reader.finish(json::UnknownMembers::refuse)) return *fault;
  if (parts->share.size() != (message.source == ShareSource::psrd ? 0 : share_bytes))
    return invalid("key share: the share behind the head has another size than the context says");
  std::copy_n(tag.data(), tag.size(), message.secret_tag.begin());
  message.encrypted_share = SecretBytes::copy_of(parts->share);
  return message;
}

}  // namespace dske
