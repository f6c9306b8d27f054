#include "dske/polling_authentication.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "dske/items.h"

namespace dske {
namespace {

PollingTag hmac(ByteView key, const Bytes& input) {
  PollingTag tag{};
  unsigned size = 0;
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), input.data(), input.size(), tag.data(),
             &size) == nullptr ||
      size != tag.size()) {
    std::abort();
  }
  return tag;
}

ItemWriter begin(const RequestParts& request, const PollingNumbers& numbers, std::string_view direction) {
  ItemWriter items;
  items.text("DSKE-1-polling");
  items.bytes(request.hub.uuid().bytes());
  items.bytes(request.epoch.uuid().bytes());
  items.text(direction);
  items.text(request.method);
  items.text(request.target);
  items.text(numbers.client.text());
  items.number(numbers.registration);
  items.number(numbers.counter);
  return items;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto semicolon = text.find(';');
    parts.push_back(text.substr(0, semicolon));
    if (semicolon == std::string_view::npos) return parts;
    text.remove_prefix(semicolon + 1);
  }
}

bool parse_number(std::string_view text, std::uint64_t& value) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size();
}

bool parse_tag(std::string_view text, PollingTag& tag) {
  const auto bytes = base64_decode(text);
  if (!bytes || bytes->size() != tag.size()) return false;
  std::copy_n(bytes->data(), bytes->size(), tag.begin());
  return true;
}

}  // namespace

std::string PollingRequest::text() const {
  return numbers.client.text() + ';' + std::to_string(numbers.registration) + ';' +
         std::to_string(numbers.counter) + ';' + base64_text(tag);
}

Result<PollingRequest> PollingRequest::parse(std::string_view text) {
  const Error bad = invalid("DSKE-Polling: must be CLIENT;REGISTRATION;COUNTER;BASE64HMAC");
  const auto parts = split(text);
  PollingRequest request;
  if (parts.size() != 4 || !parse_number(parts[1], request.numbers.registration) ||
      !parse_number(parts[2], request.numbers.counter) || !parse_tag(parts[3], request.tag)) {
    return bad;
  }
  auto client = ClientName::parse(parts[0]);
  if (!client) return bad;
  request.numbers.client = std::move(*client);
  return request;
}

std::string PollingAnswer::text() const {
  return std::to_string(counter) + ';' + base64_text(tag);
}

Result<PollingAnswer> PollingAnswer::parse(std::string_view text) {
  const auto parts = split(text);
  PollingAnswer answer;
  if (parts.size() != 2 || !parse_number(parts[0], answer.counter) || !parse_tag(parts[1], answer.tag)) {
    return invalid("DSKE-Polling: must be COUNTER;BASE64HMAC");
  }
  return answer;
}

PollingTag polling_request_tag(ByteView key, const RequestParts& request, const PollingNumbers& numbers) {
  ItemWriter items = begin(request, numbers, "request");
  items.bytes(request.body);
  return hmac(key, items.take());
}

PollingTag polling_answer_tag(ByteView key, const RequestParts& request, const PollingNumbers& numbers,
                              const PollingTag& request_tag, int status, ByteView body) {
  ItemWriter items = begin(request, numbers, "answer");
  items.text(std::to_string(status));
  items.bytes(request_tag);
  items.bytes(body);
  return hmac(key, items.take());
}

}  // namespace dske
