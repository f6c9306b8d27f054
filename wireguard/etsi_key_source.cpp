#include "wireguard/etsi_key_source.h"

#include "base/log.h"
#include "base/utf8.h"
#include "etsi014/reader.h"
#include "wireguard/adapter_tls.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::seconds kTimeout{10};
constexpr std::size_t kAnswerBytesMost = std::size_t{64} << 10;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kReasonBytesMost = 512;
constexpr std::size_t kAskingMost = 8;
constexpr std::chrono::seconds kProbeFirst{1};
constexpr std::chrono::seconds kProbeMost{2};

// By ETSI GS QKD 014, 6: a request that names no key which is there is a bad one, 503 passes.
ErrorKind kind_of(int status) {
  if (status == 400 || status == 404) return ErrorKind::not_found;
  return status == 401 || status == 403 ? ErrorKind::forbidden : ErrorKind::unavailable;
}

// The reason that a KME gives, as far as it is one.
Error refusal(const http::Answer& answer) {
  const auto told = etsi014::read_error(answer.status, answer.body.text());
  std::string message = "the KME answers " + std::to_string(answer.status);
  if (told) message += ": " + std::string(shortened(told->message, kReasonBytesMost));
  return {kind_of(answer.status), message};
}

Result<DeliveredKey> read_key(const Result<http::Answer>& answer, const std::optional<KeyId>& expected) {
  if (!answer) return answer.error().within("the KME");
  if (answer->status != 200) return refusal(*answer);
  auto keys = etsi014::read_key_container(answer->body.text());
  if (!keys) return keys.error().within("the KME's answer");
  const bool fits = keys->size() == 1 && keys->front().value.size() == kKeyBytes &&
                    (!expected || keys->front().id == *expected);
  if (!fits)
    return Error{ErrorKind::corrupt, "the KME does not answer with the one key of 256 bits asked for"};
  return DeliveredKey{keys->front().id, std::move(keys->front().value)};
}

// Of one key: a new one, or the one with this ID.
std::string target_of(const SaeId& peer, const std::optional<KeyId>& key) {
  if (!key) return etsi014::sae_path(peer, etsi014::Resource::enc_keys) + "?number=1&size=256";
  return etsi014::sae_path(peer, etsi014::Resource::dec_keys) + "?key_ID=" + key->text();
}

}  // namespace

EtsiKeySource::EtsiKeySource(const Config& config, http::ClientLoop& loop, Randomness& randomness)
    : url_(config.kme_url),
      tls_(std::make_shared<const http::TlsClientConfig>(client_tls(config.kme_tls, "1.2"))),
      loop_(loop),
      probe_wait_(kProbeFirst, kProbeMost, randomness) {}

void EtsiKeySource::send(const std::string& target, http::ClientLoop::Done done) {
  http::Call call;
  call.url = url_ + target;
  call.tls = tls_;
  call.timeout = kTimeout;
  call.most_answer_bytes = kAnswerBytesMost;
  loop_.send(std::move(call), std::move(done));
}

void EtsiKeySource::ask(Question question) {
  waiting_.push_back(std::move(question));
  ask_next();
}

void EtsiKeySource::ask_next() {
  while (!waiting_.empty() && asking_ < kAskingMost) {
    Question next = std::move(waiting_.front());
    waiting_.pop_front();
    const auto expected = next.which ? next.which() : std::nullopt;
    if (next.which && !expected) {
      next.done(Error{ErrorKind::not_found, "the key is no longer wanted"});
      continue;
    }
    ++asking_;
    send(target_of(next.peer, expected),
         guard_([this, expected, done = std::move(next.done)](const Result<http::Answer>& answer) mutable {
           --asking_;
           ask_next();
           done(read_key(answer, expected));
         }));
  }
}

void EtsiKeySource::new_key(const SaeId& peer, Done done) {
  ask({peer, {}, [this, peer, done = std::move(done)](Result<DeliveredKey> key) mutable {
         if (key) {
           probe_wait_.reset();
           identify(peer);
         } else {
           watch_for_keys(peer);
         }
         done(std::move(key));
       }});
}

void EtsiKeySource::key_of(const SaeId& peer, Which which, Done done) {
  ask({peer, std::move(which), [this, peer, done = std::move(done)](Result<DeliveredKey> delivered) mutable {
         if (delivered) {
           probe_wait_.reset();
           identify(peer);
         } else if (delivered.error().kind == ErrorKind::unavailable) {
           watch_for_keys(peer);
         }
         done(std::move(delivered));
       }});
}

// Once, for other adapters and for `status`: nothing depends on it.
void EtsiKeySource::identify(const SaeId& peer) {
  if (std::exchange(identified_, true)) return;
  send(etsi014::sae_path(peer, etsi014::Resource::status), guard_([this](const Result<http::Answer>& answer) {
         const auto status = answer && answer->status == 200
                                 ? etsi014::read_status(answer->body.text())
                                 : Result<etsi014::Status>(Error{ErrorKind::unavailable, "no status"});
         identified_ = status.has_value();
         if (status) kme_id_ = status->source_kme_id;
       }));
}

void EtsiKeySource::watch_for_keys(const SaeId& peer) {
  if (std::exchange(watching_, true)) return;
  loop_.after(probe_wait_.next(), guard_([this, peer] { probe(peer); }));
}

// Get status costs no key.
void EtsiKeySource::probe(const SaeId& peer) {
  const std::string target = etsi014::sae_path(peer, etsi014::Resource::status);
  send(target, guard_([this, peer](const Result<http::Answer>& answer) {
         watching_ = false;
         const auto status = answer && answer->status == 200
                                 ? etsi014::read_status(answer->body.text())
                                 : Result<etsi014::Status>(Error{ErrorKind::unavailable, "no status"});
         if (!status || status->stored_key_count == 0) return watch_for_keys(peer);
         if (on_available) on_available();
       }));
}

}  // namespace dske::wireguard
