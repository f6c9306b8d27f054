#include "wireguard/adapter_link.h"

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "wireguard/adapter_tls.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::seconds kTimeout{5};
constexpr std::chrono::seconds kCollectTimeout{30};
constexpr std::chrono::milliseconds kFirstAgain{500};
// After an answer: what many tunnels have to say one after the other goes together, and far fewer requests
// are made than the other end takes of an SAE.
constexpr std::chrono::milliseconds kRest{20};
constexpr std::size_t kReasonBytesMost = 256;

Error unexpected(const http::Answer& answer) {
  std::string text = "the other end's adapter answers " + std::to_string(answer.status);
  if (const auto document = json::Document::parse(answer.body.text()); document) {
    if (const auto message = document->root().member("message"); message && message->string())
      text += ": " + std::string(shortened(*message->string(), kReasonBytesMost));
  }
  return {ErrorKind::unavailable, text};
}

Result<BatchAnswer> read_answer(const Result<http::Answer>& answer) {
  if (!answer) return answer.error();
  if (answer->status != 200 && answer->status != 202) return unexpected(*answer);
  auto read = parse_batch_answer(answer->body.text());
  if (!read) return read.error().within("the other end's answer");
  return read;
}

}  // namespace

AdapterLink::AdapterLink(Options options, http::ClientLoop& loop, Randomness& randomness)
    : options_(std::move(options)),
      loop_(loop),
      randomness_(randomness),
      reconnect_(kFirstAgain, options_.compare, randomness),
      unknown_again_(kFirstAgain, options_.compare, randomness),
      collect_again_(kFirstAgain, options_.compare, randomness) {
  beat_after(spread(options_.compare, randomness_));
}

AdapterLink::~AdapterLink() {
  loop_.cancel(beat_);
}

void AdapterLink::add(const Link& link, LinkedTunnel& tunnel) {
  tunnels_[link] = &tunnel;
}

void AdapterLink::remove(const Link& link, const LinkedTunnel& tunnel) {
  const auto found = tunnels_.find(link);
  if (found == tunnels_.end() || found->second != &tunnel) return;
  tunnels_.erase(found);
  outbox_.forget(link);
  to_collect_.erase(link);
  unknown_.erase(link);
}

void AdapterLink::call(std::string method, const std::string& target, const std::string& body,
                       std::chrono::seconds timeout, Done done) {
  http::Call call;
  call.method = std::move(method);
  call.url = options_.url + target;
  call.body = SecretBytes::copy_of(body);
  if (!body.empty()) call.content_type = "application/json";
  call.timeout = timeout;
  call.most_answer_bytes = kBatchBytesMost;
  call.tls = options_.tls;
  loop_.send(std::move(call), guard_([done = std::move(done)](Result<http::Answer> answer) mutable {
               done(std::move(answer));
             }));
}

void AdapterLink::send(LinkedMessage message, Outbox::Answered answered) {
  outbox_.put(std::move(message), std::move(answered));
  send_soon();
}

// Not at once, so that what many tunnels have to say at one moment goes together.
void AdapterLink::send_soon() {
  if (std::exchange(sending_, true)) return;
  loop_.post(guard_([this] { send_next(); }));
}

void AdapterLink::send_next() {
  std::vector<Outbox::Item> items = outbox_.take_kind(kBatchMost);
  sending_ = !items.empty();
  if (!sending_) return;
  Batch batch{options_.own, {}};
  for (const Outbox::Item& item : items) batch.messages.push_back(item.message);
  const std::string kind(kind_of(items.front().message.message));
  call("POST", "/v1/dske/" + kind, to_json(batch), kTimeout,
       [this, items = std::move(items)](const Result<http::Answer>& answer) mutable {
         take_answer(std::move(items), answer);
         loop_.after(kRest, guard_([this] { send_next(); }));
       });
}

void AdapterLink::take_answer(std::vector<Outbox::Item> items, const Result<http::Answer>& answer) {
  const Result<BatchAnswer> outcome = read_answer(answer);
  works_ = answer.has_value();
  note_outcome(outcome);
  const auto secret = outcome ? tls_secret_of(answer->tls_exported) : nullptr;
  std::map<Link, StateMessage> states;
  std::set<Link> unknown;
  if (outcome) {
    for (const LinkedMessage& one : outcome->states)
      states.emplace(one.link.reversed(), std::get<StateMessage>(one.message));
    unknown.insert(outcome->unknown.begin(), outcome->unknown.end());
  }
  for (Outbox::Item& item : items) {
    const Link& link = item.message.link;
    const auto tunnel = tunnels_.find(link);
    if (tunnel == tunnels_.end()) continue;
    const bool is_state = std::holds_alternative<StateMessage>(item.message.message);
    const auto state = states.find(link);
    Result<std::optional<StateMessage>> told = std::optional<StateMessage>();
    if (!outcome) {
      told = outcome.error();
    } else if (unknown.contains(link) || (is_state && state == states.end())) {
      told = Error{ErrorKind::not_found, "the other end's adapter does not know this tunnel at present"};
    } else {
      unknown_.erase(link);
      tunnel->second->note_tls(secret);
      if (is_state) {
        follow_state(link, state->second);
        told = std::optional<StateMessage>(state->second);
      }
    }
    if (item.answered) item.answered(std::move(told));
  }
  if (!unknown.empty()) follow_unknown(unknown);
}

// Its device may just be coming, for example: asked about soon again, and more rarely if that goes on.
void AdapterLink::follow_unknown(const std::set<Link>& unknown) {
  const std::size_t before = unknown_.size();
  for (const Link& link : unknown) {
    if (tunnels_.contains(link)) unknown_.insert(link);
  }
  if (unknown_.size() > before) unknown_again_.reset();
  beat_after(unknown_again_.next());
}

void AdapterLink::note_outcome(const Result<BatchAnswer>& outcome) {
  if (outcome) {
    if (!error_.empty()) log::info("{}: answers again", options_.label);
    error_.clear();
    reconnect_.reset();
    return;
  }
  if (error_ != outcome.error().message) log::warning("{}: {}", options_.label, outcome.error().message);
  error_ = outcome.error().message;
  beat_after(reconnect_.next());
}

void AdapterLink::beat_after(Duration wait) {
  loop_.cancel(beat_);
  beat_ = loop_.after(wait, guard_([this] {
                        beat_after(spread(options_.compare, randomness_));
                        for (const auto& [link, tunnel] : tunnels_) tunnel->comparison_due();
                      }));
}

void AdapterLink::follow_state(const Link& link, const StateMessage& state) {
  if (state.dials) {
    to_collect_.erase(link);
  } else {
    to_collect_.insert(link);
    if (!std::exchange(collecting_, true)) collect();
  }
}

void AdapterLink::collect() {
  call("GET", "/v1/dske/messages?adapter=" + hex_text(options_.own), "", kCollectTimeout,
       [this](const Result<http::Answer>& answer) {
         if (answer && answer->status == 200) {
           collect_again_.reset();
           take_collected(*answer);
         }
         collecting_ = !to_collect_.empty();
         if (!collecting_) return;
         const Duration wait = answer && answer->status == 200 ? Duration(kRest) : collect_again_.next();
         loop_.after(wait, guard_([this] { collect(); }));
       });
}

void AdapterLink::take_collected(const http::Answer& answer) {
  const auto messages = parse_collected(answer.body.text());
  if (!messages) return log::warning("{}: what it has to say: {}", options_.label, messages.error().message);
  for (const LinkedMessage& message : *messages) {
    const auto tunnel = tunnels_.find(message.link.reversed());
    if (tunnel != tunnels_.end()) tunnel->second->take(message.message);
  }
}

}  // namespace dske::wireguard
