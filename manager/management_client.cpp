#include "manager/management_client.h"

#include "base/file.h"
#include "base/json.h"

namespace dske::manager {
namespace {

constexpr std::size_t kTokenBytesMost = 4096;
constexpr std::size_t kTextBytesMost = 64 * 1024;
constexpr std::size_t kPeersMost = 100000;
constexpr std::int64_t kNumberMost = INT64_MAX;
constexpr std::chrono::milliseconds kQuickTimeout{2000};
constexpr std::chrono::milliseconds kWorkTimeout{30000};  // making and ingesting large blocks

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
      return ErrorKind::unauthenticated;
    case 403:
      return ErrorKind::forbidden;
    case 404:
      return ErrorKind::not_found;
    case 409:
      return ErrorKind::conflict;
    case 503:
      return ErrorKind::unavailable;
    default:
      return status < 500 ? ErrorKind::invalid : ErrorKind::internal;
  }
}

// The "message" of an error's body, or what its status says.
std::string message_of(const http::Answer& answer) {
  if (auto document = json::Document::parse(answer.body.text())) {
    const auto message = document->root().member("message");
    if (message && message->string()) return std::string(*message->string());
  }
  return "answered " + std::to_string(answer.status);
}

ZoneLevel read_zone(json::ObjectReader& psrd, const char* name) {
  json::ObjectReader reader(psrd.object(name), name);
  ZoneLevel zone;
  zone.left_bytes = reader.integer("left_bytes", 0, kNumberMost);
  zone.total_bytes = reader.integer("total_bytes", 0, kNumberMost);
  if (const auto error = reader.finish(json::UnknownMembers::ignore)) psrd.fail(name, error->message);
  return zone;
}

PsrdLevel read_psrd(json::ObjectReader& peer) {
  json::ObjectReader reader(peer.object("psrd"), "psrd");
  PsrdLevel level;
  level.blocks = reader.integer("blocks", 0, kNumberMost);
  level.percent = reader.any("level_percent").number().value_or(0);
  level.client_authenticator = read_zone(reader, "client_authenticator");
  level.client_pad = read_zone(reader, "client_pad");
  level.hub_authenticator = read_zone(reader, "hub_authenticator");
  level.hub_pad = read_zone(reader, "hub_pad");
  if (const auto error = reader.finish(json::UnknownMembers::ignore)) peer.fail("psrd", error->message);
  return level;
}

std::vector<std::string> read_texts(json::ObjectReader& reader, const char* name) {
  std::vector<std::string> texts;
  for (const json::Value& value : reader.array(name, kPeersMost)) {
    texts.emplace_back(value.string().value_or(""));
  }
  return texts;
}

Result<PeerStatus> read_peer(json::Value value, NodeKind kind) {
  json::ObjectReader reader(value, kind == NodeKind::hub ? "client" : "hub");
  PeerStatus peer;
  peer.name = reader.string("name", kTextBytesMost);
  if (kind == NodeKind::hub) {
    peer.state = reader.boolean("registered") ? "registered" : "not registered";
    peer.sae_ids = read_texts(reader, "sae_ids");
  } else {
    peer.state = reader.string("state", kTextBytesMost);
    peer.error = reader.string("error", kTextBytesMost);
    peer.wrong_shares = reader.integer("wrong_shares", 0, kNumberMost);
  }
  peer.psrd = read_psrd(reader);
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  return peer;
}

}  // namespace

Result<NodeStatus> parse_status(std::string_view body, NodeKind kind) {
  auto document = json::Document::parse(body);
  if (!document) return document.error();
  json::ObjectReader reader(document->root(), "status");
  NodeStatus status;
  status.pid = reader.integer("pid", 1, INT32_MAX);
  status.state = reader.string("state", kTextBytesMost);
  status.uptime_seconds = reader.integer("uptime_seconds", 0, kNumberMost);
  status.version = reader.string("version", kTextBytesMost);
  status.warnings = read_texts(reader, "warnings");
  for (const json::Value& value : reader.array(kind == NodeKind::hub ? "clients" : "hubs", kPeersMost)) {
    auto peer = read_peer(value, kind);
    if (!peer) return peer.error();
    status.peers.push_back(std::move(*peer));
  }
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  return status;
}

Result<std::string> ManagementClient::token() const {
  auto text = read_file(node_.token_file(), kTokenBytesMost);
  if (!text) return text.error().within(node_.title() + " has not been started yet");
  std::string token(text->text());
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  return token;
}

Result<http::Answer> ManagementClient::call(const std::string& method, const std::string& path,
                                            const std::string& body, std::chrono::milliseconds timeout) {
  auto bearer = token();
  if (!bearer) return bearer.error();
  http::Call call;
  call.method = method;
  call.url = node_.management_url + "/" + kind_text(node_.kind) + "/" + node_.name + "/mgmt/v1" + path;
  call.headers.push_back({"Authorization", "Bearer " + *bearer});
  call.timeout = timeout;
  if (!body.empty()) {
    call.content_type = "application/json";
    call.body = SecretBytes::copy_of(body);
  }
  auto answer = client_.send(call);
  if (!answer) return answer.error().within(node_.title());
  if (answer->status / 100 != 2) {
    return Error{kind_of_status(answer->status), node_.title() + ": " + message_of(*answer)};
  }
  return answer;
}

Result<Readiness> ManagementClient::readiness() {
  http::Call call;
  call.url = node_.management_url + "/readyz";
  call.timeout = kQuickTimeout;
  auto answer = client_.send(call);
  if (!answer) return answer.error();
  if (answer->status == 200) return Readiness{true, {}};
  std::string reason = "answered " + std::to_string(answer->status);
  if (auto document = json::Document::parse(answer->body.text())) {
    const auto given = document->root().member("reason");
    if (given && given->string()) reason = std::string(*given->string());
  }
  return Readiness{false, std::move(reason)};
}

Result<NodeStatus> ManagementClient::status() {
  auto answer = call("GET", "/status", {}, kQuickTimeout);
  if (!answer) return answer.error();
  auto status = parse_status(answer->body.text(), node_.kind);
  if (!status) return status.error().within(node_.title());
  return status;
}

Result<void> ManagementClient::stop() {
  auto answer = call("POST", "/stop", {}, kQuickTimeout);
  if (!answer) return answer.error();
  return {};
}

Result<void> ManagementClient::put_client(const std::string& name, const std::vector<SaeId>& saes) {
  json::Writer writer;
  writer.begin_object().name("sae_ids").begin_array();
  for (const SaeId& sae : saes) writer.string(sae.text());
  writer.end_array().end_object();
  auto answer = call("PUT", "/clients/" + name, writer.take_text(), kWorkTimeout);
  if (!answer) return answer.error();
  return {};
}

Result<std::filesystem::path> ManagementClient::assign_psrd(const std::string& client,
                                                            const PsrdSizes& sizes) {
  json::Writer writer;
  writer.begin_object().name("client").string(client);
  writer.name("client_bytes")
      .integer(sizes.client_bytes)
      .name("hub_bytes")
      .integer(sizes.hub_bytes)
      .name("client_authenticator_percent")
      .integer(sizes.client_authenticator_percent)
      .name("hub_authenticator_percent")
      .integer(sizes.hub_authenticator_percent)
      .end_object();
  auto answer = call("POST", "/psrd", writer.take_text(), kWorkTimeout);
  if (!answer) return answer.error();
  auto document = json::Document::parse(answer->body.text());
  if (!document) return document.error().within(node_.title());
  json::ObjectReader reader(document->root(), node_.title() + ": answer");
  const std::string file(reader.string("file", kTextBytesMost));
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  return std::filesystem::path(file);
}

Result<void> ManagementClient::ingest_psrd(const std::filesystem::path& file) {
  json::Writer writer;
  writer.begin_object().name("file").string(file.string()).end_object();
  auto answer = call("POST", "/psrd", writer.take_text(), kWorkTimeout);
  if (!answer) return answer.error();
  return {};
}

}  // namespace dske::manager
