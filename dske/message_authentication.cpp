#include "dske/message_authentication.h"

#include <algorithm>

#include "base/base64.h"

namespace dske {
namespace {

OneTimeMac begin(ByteView key, const RequestParts& request, std::string_view direction) {
  OneTimeMac mac(key);
  mac.update_item(as_bytes("DSKE-1"));
  mac.update_item(request.hub.uuid().bytes());
  mac.update_item(request.epoch.uuid().bytes());
  mac.update_item(as_bytes(direction));
  mac.update_item(as_bytes(request.method));
  mac.update_item(as_bytes(request.target));
  return mac;
}

}  // namespace

std::string Signature::text() const {
  return allocation_text(key) + ';' + base64_text(tag);
}

Result<Signature> Signature::parse(std::string_view text) {
  const auto semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return invalid("DSKE-Signature: must be FRAGMENTS;BASE64TAG");
  auto key = parse_allocation(text.substr(0, semicolon));
  if (!key) return key.error().within("DSKE-Signature");
  if (allocation_size(*key) != kOneTimeMacKeySize)
    return invalid("DSKE-Signature: the fragments must be 32 bytes in all");
  const auto tag = base64_decode(text.substr(semicolon + 1));
  Signature signature{std::move(*key), {}};
  if (!tag || tag->size() != signature.tag.size())
    return invalid("DSKE-Signature: the tag must be 16 bytes in base64");
  std::copy_n(tag->data(), tag->size(), signature.tag.begin());
  return signature;
}

MacTag request_tag(ByteView key, const RequestParts& request) {
  OneTimeMac mac = begin(key, request, "request");
  mac.update_item(request.body);
  return mac.finish();
}

MacTag answer_tag(ByteView key, const RequestParts& request, const AnswerParts& answer) {
  OneTimeMac mac = begin(key, request, "answer");
  mac.update_item(as_bytes(std::to_string(answer.status)));
  mac.update_item(answer.request_tag);
  mac.update_item(answer.body);
  return mac.finish();
}

}  // namespace dske
