#include "wireguard/batches.h"

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kKeyTextBytesMost = 44;

AdapterId read_adapter(json::ObjectReader& reader) {
  AdapterId id{};
  const auto bytes = hex_decode(reader.string("adapter", 2 * id.size()));
  if (reader.failed()) return id;
  if (!bytes || bytes->size() != id.size()) {
    reader.fail("adapter", "must be 16 bytes in hexadecimal");
  } else {
    std::copy(bytes->begin(), bytes->end(), id.begin());
  }
  return id;
}

Result<std::vector<LinkedMessage>> read_messages(std::string_view kind,
                                                 const std::vector<json::Value>& values) {
  std::vector<LinkedMessage> messages;
  messages.reserve(values.size());
  for (const json::Value& value : values) {
    auto message = read_message(kind, value);
    if (!message) return message.error();
    messages.push_back(std::move(*message));
  }
  return messages;
}

Result<Link> read_link(json::Value value) {
  json::ObjectReader reader(value, "tunnel");
  Link link;
  link.from = reader.parsed<PublicKey>("from", kKeyTextBytesMost);
  link.to = reader.parsed<PublicKey>("to", kKeyTextBytesMost);
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  return link;
}

}  // namespace

std::string to_json(const Batch& batch) {
  json::Writer writer;
  writer.begin_object().name("adapter").string(hex_text(batch.sender)).name("tunnels").begin_array();
  for (const LinkedMessage& message : batch.messages) write_message(writer, message);
  writer.end_array().end_object();
  return writer.take_text();
}

Result<Batch> parse_batch(std::string_view kind, std::string_view json) {
  const auto document = json::Document::parse(json);
  if (!document) return document.error();
  json::ObjectReader reader(document->root(), "body");
  Batch batch;
  batch.sender = read_adapter(reader);
  const auto values = reader.array("tunnels", kBatchMost);
  if (!reader.failed() && values.empty()) reader.fail("tunnels", "must not be empty");
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  auto messages = read_messages(kind, values);
  if (!messages) return messages.error();
  batch.messages = std::move(*messages);
  return batch;
}

std::string to_json(const BatchAnswer& answer) {
  json::Writer writer;
  writer.begin_object().name("tunnels").begin_array();
  for (const LinkedMessage& message : answer.states) write_message(writer, message);
  writer.end_array().name("unknown").begin_array();
  for (const Link& link : answer.unknown) {
    writer.begin_object().name("from").string(link.from.text());
    writer.name("to").string(link.to.text()).end_object();
  }
  writer.end_array().end_object();
  return writer.take_text();
}

Result<BatchAnswer> parse_batch_answer(std::string_view json) {
  const auto document = json::Document::parse(json);
  if (!document) return document.error();
  json::ObjectReader reader(document->root(), "answer");
  BatchAnswer answer;
  const auto states = reader.array("tunnels", kBatchMost);
  const auto unknown = reader.array("unknown", kBatchMost);
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  auto messages = read_messages("state", states);
  if (!messages) return messages.error();
  answer.states = std::move(*messages);
  for (const json::Value& value : unknown) {
    const auto link = read_link(value);
    if (!link) return link.error();
    answer.unknown.push_back(*link);
  }
  return answer;
}

std::string collected_to_json(const std::vector<LinkedMessage>& messages) {
  json::Writer writer;
  writer.begin_object().name("messages").begin_array();
  for (const LinkedMessage& message : messages) {
    writer.begin_object().name("kind").string(kind_of(message.message)).name("body");
    write_message(writer, message);
    writer.end_object();
  }
  writer.end_array().end_object();
  return writer.take_text();
}

Result<std::vector<LinkedMessage>> parse_collected(std::string_view json) {
  const auto document = json::Document::parse(json);
  if (!document) return document.error();
  json::ObjectReader reader(document->root(), "messages");
  const auto elements = reader.array("messages", kBatchMost);
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  std::vector<LinkedMessage> messages;
  for (const json::Value& element : elements) {
    json::ObjectReader one(element, "message");
    const std::string kind(one.string("kind", 16));
    const json::Value body = one.object("body");
    if (one.finish(json::UnknownMembers::ignore)) continue;
    if (auto message = read_message(kind, body)) messages.push_back(std::move(*message));
  }
  return messages;
}

}  // namespace dske::wireguard
