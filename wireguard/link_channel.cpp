#include "wireguard/link_channel.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "base/percent_encoding.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::seconds kTimeout{5};
constexpr std::chrono::seconds kCollectFor{20};
constexpr std::chrono::seconds kCollectTimeout{30};
constexpr std::size_t kAnswerBytesMost = std::size_t{64} << 10;
constexpr std::size_t kOutboxMost = 16;
constexpr std::size_t kSecretsMost = 4;
constexpr std::size_t kIdBytes = 16;
constexpr std::string_view kUriPrefix = "sae:";

std::string query_of(const Link& link) {
  return "?from=" + link.from.hex() + "&to=" + link.to.hex();
}

Error unexpected(const http::Answer& answer) {
  std::string text = "the other end's adapter answers " + std::to_string(answer.status);
  if (const auto document = json::Document::parse(answer.body.text()); document) {
    if (const auto message = document->root().member("message"); message && message->string())
      text += ": " + std::string(*message->string());
  }
  return {ErrorKind::unavailable, text};
}

}  // namespace

Result<SaeId> sae_of_certificate(const http::PeerIdentity& identity) {
  const Error none{ErrorKind::forbidden, "the certificate names no SAE"};
  if (!identity.common_name.empty()) return SaeId::parse(identity.common_name);
  std::optional<std::string> found;
  for (const std::string& uri : identity.uris) {
    if (!uri.starts_with(kUriPrefix)) continue;
    if (found) return none;
    auto decoded = percent_decode(std::string_view(uri).substr(kUriPrefix.size()));
    if (!decoded) return none;
    found = std::move(*decoded);
  }
  if (!found) return none;
  return SaeId::parse(*found);
}

LinkChannel::LinkChannel(Options options, http::ClientLoop& loop, Randomness& randomness)
    : options_(std::move(options)),
      loop_(loop),
      collect_again_(std::chrono::milliseconds(500), std::chrono::seconds(5), randomness) {
  http::TlsClientConfig tls{options_.tls.certificate, options_.tls.key, options_.tls.ca, "1.3"};
  tls.exporter_label = kExporterLabel;
  tls.peer_refusal = [sae = options_.peer_sae](const http::PeerIdentity& identity) -> std::string {
    const auto named = sae_of_certificate(identity);
    if (named && *named == sae) return {};
    return "its certificate is not that of the SAE " + sae.text();
  };
  tls_ = std::make_shared<const http::TlsClientConfig>(std::move(tls));
}

void LinkChannel::call(std::string method, std::string target, std::string body, std::chrono::seconds timeout,
                       UniqueFunction<void(Result<http::Answer>)> done) {
  http::Call call;
  call.method = std::move(method);
  call.url = options_.url + target;
  call.body = SecretBytes::copy_of(body);
  if (!body.empty()) call.content_type = "application/json";
  call.timeout = timeout;
  call.most_answer_bytes = kAnswerBytesMost;
  call.tls = tls_;
  loop_.send(std::move(call), guard_([this, done = std::move(done)](Result<http::Answer> answer) mutable {
               if (answer) note_tls(answer->tls_exported);
               done(std::move(answer));
             }));
}

void LinkChannel::send(Message message, Sent sent) {
  if (dials()) {
    const std::string target = "/v1/dske/" + std::string(kind_of(message));
    return call("POST", target, to_json(options_.link, message), kTimeout,
                [sent = std::move(sent)](const Result<http::Answer>& answer) mutable {
                  if (!answer) return sent(answer.error());
                  sent(answer->status == 202 ? Result<void>() : Result<void>(unexpected(*answer)));
                });
  }
  outbox_.push_back(std::move(message));
  if (outbox_.size() > kOutboxMost) outbox_.pop_front();
  answer_collector();
  sent({});
}

void LinkChannel::compare(const StateMessage& own, Compared compared) {
  StateMessage told = own;
  told.dials = true;
  call("POST", "/v1/dske/state", to_json(options_.link, told), kTimeout,
       [this, compared = std::move(compared)](const Result<http::Answer>& answer) mutable {
         if (!answer) return compared(answer.error());
         if (answer->status != 200) return compared(unexpected(*answer));
         const auto message = parse_message("state", answer->body.text());
         if (!message) return compared(message.error().within("the other end's state"));
         const StateMessage state = std::get<StateMessage>(message->message);
         other_dials_ = state.dials;
         if (!other_dials_) start_collecting();
         compared(state);
       });
}

void LinkChannel::start_collecting() {
  if (std::exchange(collecting_, true)) return;
  collect_from_other();
}

void LinkChannel::collect_from_other() {
  call("GET", "/v1/dske/messages" + query_of(options_.link), "", kCollectTimeout,
       [this](const Result<http::Answer>& answer) {
         if (other_dials_) {
           collecting_ = false;
           return;
         }
         if (answer && answer->status == 200) {
           collect_again_.reset();
           take_collected(*answer);
           return collect_from_other();
         }
         loop_.after(collect_again_.next(), guard_([this] { collect_from_other(); }));
       });
}

void LinkChannel::take_collected(const http::Answer& answer) {
  const auto document = json::Document::parse(answer.body.text());
  if (!document) return log::warning("what the other end's adapter has to say: {}", document.error().message);
  json::ObjectReader reader(document->root(), "messages");
  const auto elements = reader.array("messages", kOutboxMost);
  if (const auto error = reader.finish(json::UnknownMembers::ignore))
    return log::warning("what the other end's adapter has to say: {}", error->message);
  for (const json::Value& element : elements) {
    json::ObjectReader one(element, "message");
    const std::string kind(one.string("kind", 16));
    const json::Value body = one.object("body");
    if (one.finish(json::UnknownMembers::ignore)) continue;
    const auto message = parse_message(kind, json::Writer().value(body).take_text());
    const bool is_ours =
        message && message->link.from == options_.link.to && message->link.to == options_.link.from;
    if (is_ours && on_message) on_message(message->message);
  }
}

std::optional<TlsSecret> LinkChannel::tls_secret() const {
  if (secrets_.empty()) return std::nullopt;
  return TlsSecret{secrets_.back().id, secrets_.back().secret.clone()};
}

std::optional<TlsSecret> LinkChannel::tls_secret(const TlsSecretId& id) const {
  for (const TlsSecret& one : secrets_) {
    if (one.id == id) return TlsSecret{id, one.secret.clone()};
  }
  return std::nullopt;
}

void LinkChannel::note_tls(const SecretBytes& exported) {
  if (exported.size() <= kIdBytes) return;
  TlsSecret secret;
  std::copy_n(exported.data(), kIdBytes, secret.id.begin());
  if (!secrets_.empty() && secrets_.back().id == secret.id) return;
  std::erase_if(secrets_, [&](const TlsSecret& one) { return one.id == secret.id; });
  secret.secret = SecretBytes::copy_of(exported.view().subspan(kIdBytes));
  secrets_.push_back(std::move(secret));
  if (secrets_.size() > kSecretsMost) secrets_.pop_front();
}

void LinkChannel::collect(http::Reply reply) {
  // One that was forgotten, over a connection that may be gone: it must not swallow messages.
  if (collector_) collector_->send({200, "application/json", {}, SecretBytes::copy_of(R"({"messages":[]})")});
  collector_ = std::move(reply);
  if (!outbox_.empty()) return answer_collector();
  loop_.cancel(collector_timer_);
  collector_timer_ = loop_.after(kCollectFor, guard_([this] { answer_collector(); }));
}

void LinkChannel::answer_collector() {
  if (!collector_) return;
  loop_.cancel(collector_timer_);
  json::Writer writer;
  writer.begin_object().name("messages").begin_array();
  for (const Message& message : outbox_) {
    const auto body = json::Document::parse(to_json(options_.link, message));
    writer.begin_object().name("kind").string(kind_of(message));
    writer.name("body").value(body->root()).end_object();
  }
  writer.end_array().end_object();
  outbox_.clear();
  http::Reply reply = std::move(*collector_);
  collector_.reset();
  reply.send({200, "application/json", {}, writer.take()});
}

}  // namespace dske::wireguard
