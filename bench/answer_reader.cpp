#include "bench/answer_reader.h"

#include <algorithm>
#include <charconv>

namespace dske::bench {
namespace {

constexpr std::size_t kHeadBytesMost = 16 * 1024;
constexpr std::size_t kBodyBytesMost = 64 * 1024 * 1024;
constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::string_view kKeyId = R"("key_ID":")";

bool equal_in_any_case(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char one, char other) {
    return (one >= 'A' && one <= 'Z' ? static_cast<char>(one + ('a' - 'A')) : one) == other;
  });
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size();
}

// Calls `found` with each key ID; stops at one that does not end.
template <class Found>
void for_each_key_id(std::string_view text, Found found) {
  for (std::size_t at = text.find(kKeyId); at != std::string_view::npos; at = text.find(kKeyId, at)) {
    at += kKeyId.size();
    const std::size_t end = text.find('"', at);
    if (end == std::string_view::npos) return;
    found(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace

AnswerReader::State AnswerReader::feed(std::string_view bytes) {
  answer_.append(bytes);
  if (head_bytes_ == 0) {
    // The end of the head may lie across two pieces.
    const std::size_t before = answer_.size() - bytes.size();
    const std::size_t end = answer_.text().find(kEnd, before - std::min(before, kEnd.size() - 1));
    if (end == std::string_view::npos)
      return answer_.size() > kHeadBytesMost ? State::broken : State::incomplete;
    head_bytes_ = end + kEnd.size();
    if (head_bytes_ > kHeadBytesMost || !read_head()) return State::broken;
    answer_.reserve(head_bytes_ + body_bytes_);
  }
  const std::size_t whole = head_bytes_ + body_bytes_;
  if (answer_.size() > whole) return State::broken;
  return answer_.size() == whole ? State::complete : State::incomplete;
}

bool AnswerReader::read_head() {
  std::string_view head = answer_.text().substr(0, head_bytes_ - 2);
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  constexpr std::size_t kStatusDigits = 3;
  if (head.substr(0, kVersion.size()) != kVersion ||
      !read_number(head.substr(kVersion.size(), kStatusDigits), status_)) {
    return false;
  }
  head.remove_prefix(head.find("\r\n") + 2);
  bool has_length = false;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value.remove_suffix(value.size() - std::min(value.find_last_not_of(" \t") + 1, value.size()));
    const std::string_view name = line.substr(0, colon);
    if (equal_in_any_case(name, "content-length")) {
      if (has_length || !read_number(value, body_bytes_) || body_bytes_ > kBodyBytesMost) return false;
      has_length = true;
    } else if (equal_in_any_case(name, "transfer-encoding")) {
      return false;
    } else if (equal_in_any_case(name, "connection")) {
      closes_ = equal_in_any_case(value, "close");
    }
  }
  return has_length;
}

SecretBytes AnswerReader::take_body() {
  SecretBytes taken = SecretBytes::copy_of(body());
  reset();
  return taken;
}

void AnswerReader::reset() {
  answer_.clear();
  head_bytes_ = 0;
  body_bytes_ = 0;
  status_ = 0;
  closes_ = false;
}

std::vector<std::string_view> scan_key_ids(std::string_view container) {
  std::vector<std::string_view> ids;
  for_each_key_id(container, [&](std::string_view id) { ids.push_back(id); });
  return ids;
}

std::size_t count_key_ids(std::string_view container) {
  std::size_t count = 0;
  for_each_key_id(container, [&](std::string_view) { ++count; });
  return count;
}

}  // namespace dske::bench
