#include "wireguard/messages.h"

#include <algorithm>

#include "base/base64.h"
#include "base/utf8.h"

namespace dske::wireguard {
namespace {

constexpr std::array<std::string_view, 8> kRefusals{"no_key",   "proof",  "tls",    "file",
                                                    "previous", "policy", "device", "key_gone"};
constexpr std::size_t kDetailBytesMost = 256;
constexpr std::size_t kKeyTextBytesMost = 44;

template <std::size_t size>
std::array<std::uint8_t, size> read_hex(json::ObjectReader& reader, std::string_view name) {
  std::array<std::uint8_t, size> bytes{};
  const std::string_view text = reader.string(name, 2 * size);
  if (reader.failed()) return bytes;
  const auto decoded = hex_decode(text);
  if (!decoded || decoded->size() != size) {
    reader.fail(name, "must be " + std::to_string(size) + " bytes in hexadecimal");
  } else {
    std::copy(decoded->begin(), decoded->end(), bytes.begin());
  }
  return bytes;
}

KeyId read_key_id(json::ObjectReader& reader, std::string_view name) {
  return reader.parsed<KeyId>(name, Uuid::kTextLength);
}

Session read_session(json::ObjectReader& reader) {
  const std::string_view text = reader.string("session", 16);
  for (const Session session : {Session::live, Session::idle, Session::down}) {
    if (name_of(session) == text) return session;
  }
  reader.fail("session", "must be live, idle or down");
  return Session::down;
}

StateMessage read_state(json::ObjectReader& reader) {
  StateMessage state;
  if (reader.has("active_key_id")) state.active = read_key_id(reader, "active_key_id");
  state.session = read_session(reader);
  state.endpoint_known = reader.boolean("endpoint_known");
  state.dials = reader.boolean("dials");
  return state;
}

RecoverMessage read_recover(json::ObjectReader& reader) {
  RecoverMessage message;
  message.key = read_key_id(reader, "key_id");
  for (const json::Value& value : reader.array("sources", 4)) {
    const auto source = source_named(value.string().value_or(""));
    const bool ascends = source && (message.sources.empty() || message.sources.back() < *source);
    if (!ascends) {
      reader.fail("sources", "must be of dske, tls, file and previous, in that order");
      return message;
    }
    message.sources.push_back(*source);
  }
  const auto has = [&](Source source) {
    return std::find(message.sources.begin(), message.sources.end(), source) != message.sources.end();
  };
  if (message.sources.empty()) reader.fail("sources", "must not be empty");
  if (has(Source::tls)) message.tls = read_hex<16>(reader, "tls_secret_id");
  if (has(Source::file)) message.file = read_hex<16>(reader, "file_tag");
  if (has(Source::previous)) message.previous = read_key_id(reader, "previous_key_id");
  message.proof = read_hex<32>(reader, "proof");
  return message;
}

ConfirmMessage read_confirm(json::ObjectReader& reader) {
  ConfirmMessage message;
  message.key = read_key_id(reader, "key_id");
  message.proof = read_hex<32>(reader, "proof");
  message.state = read_state(reader);
  return message;
}

RefuseMessage read_refuse(json::ObjectReader& reader) {
  RefuseMessage message;
  message.key = read_key_id(reader, "key_id");
  const std::string_view reason = reader.string("reason", 16);
  const auto found = std::find(kRefusals.begin(), kRefusals.end(), reason);
  if (found == kRefusals.end()) {
    reader.fail("reason", "is not known");
  } else {
    message.reason = static_cast<Refusal>(found - kRefusals.begin());
  }
  message.detail = reader.string("detail", kDetailBytesMost);
  return message;
}

AppliedMessage read_applied(json::ObjectReader& reader) {
  AppliedMessage message;
  message.key = read_key_id(reader, "key_id");
  message.open = reader.boolean("open");
  return message;
}

void write(json::Writer& writer, const StateMessage& state) {
  if (state.active) writer.name("active_key_id").string(state.active->text());
  writer.name("session").string(name_of(state.session));
  writer.name("endpoint_known").boolean(state.endpoint_known);
  writer.name("dials").boolean(state.dials);
}

void write(json::Writer& writer, const RecoverMessage& message) {
  writer.name("key_id").string(message.key.text()).name("sources").begin_array();
  for (const Source source : message.sources) writer.string(name_of(source));
  writer.end_array();
  if (message.tls) writer.name("tls_secret_id").string(hex_text(*message.tls));
  if (message.file) writer.name("file_tag").string(hex_text(*message.file));
  if (message.previous) writer.name("previous_key_id").string(message.previous->text());
  writer.name("proof").string(hex_text(message.proof));
}

void write(json::Writer& writer, const ConfirmMessage& message) {
  writer.name("key_id").string(message.key.text()).name("proof").string(hex_text(message.proof));
  write(writer, message.state);
}

void write(json::Writer& writer, const RefuseMessage& message) {
  writer.name("key_id").string(message.key.text());
  writer.name("reason").string(name_of(message.reason));
  writer.name("detail").string(shortened(message.detail, kDetailBytesMost));
}

void write(json::Writer& writer, const AppliedMessage& message) {
  writer.name("key_id").string(message.key.text()).name("open").boolean(message.open);
}

}  // namespace

std::string_view name_of(Refusal refusal) {
  return kRefusals[static_cast<std::size_t>(refusal)];
}

void write_message(json::Writer& writer, const LinkedMessage& message) {
  writer.begin_object();
  writer.name("from").string(message.link.from.text()).name("to").string(message.link.to.text());
  std::visit([&](const auto& one) { write(writer, one); }, message.message);
  writer.end_object();
}

Result<LinkedMessage> read_message(std::string_view kind, json::Value value) {
  json::ObjectReader reader(value, std::string(kind) + " message");
  LinkedMessage linked;
  linked.link.from = reader.parsed<PublicKey>("from", kKeyTextBytesMost);
  linked.link.to = reader.parsed<PublicKey>("to", kKeyTextBytesMost);
  if (kind == "state") {
    linked.message = read_state(reader);
  } else if (kind == "recover") {
    linked.message = read_recover(reader);
  } else if (kind == "confirm") {
    linked.message = read_confirm(reader);
  } else if (kind == "refuse") {
    linked.message = read_refuse(reader);
  } else if (kind == "applied") {
    linked.message = read_applied(reader);
  } else {
    return invalid("there is no message of this kind");
  }
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  return linked;
}

}  // namespace dske::wireguard
