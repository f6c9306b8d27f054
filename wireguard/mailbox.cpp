#include "wireguard/mailbox.h"

#include <utility>

#include "wireguard/batches.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::seconds kCollectFor{20};

void send(std::optional<http::Reply>& collector, const std::vector<LinkedMessage>& messages) {
  if (!collector) return;
  http::Reply reply = std::move(*collector);
  collector.reset();
  reply.send({200, "application/json", {}, SecretBytes::copy_of(collected_to_json(messages))});
}

}  // namespace

Mailbox::~Mailbox() {
  loop_.cancel(timer_);
  send(collector_, {});
}

void Mailbox::put(LinkedMessage message) {
  outbox_.put(std::move(message), {});
  answer_soon();
}

void Mailbox::collect(http::Reply reply) {
  send(collector_, {});
  collector_ = std::move(reply);
  loop_.cancel(timer_);
  timer_ = loop_.after(kCollectFor, guard_([this] { answer(); }));
  if (!outbox_.empty()) answer_soon();
}

// Not at once, so that what many tunnels have to say at one moment goes together.
void Mailbox::answer_soon() {
  if (!collector_ || std::exchange(answering_, true)) return;
  loop_.post(guard_([this] {
    answering_ = false;
    answer();
  }));
}

void Mailbox::answer() {
  if (!collector_) return;
  loop_.cancel(timer_);
  std::vector<LinkedMessage> messages;
  for (Outbox::Item& item : outbox_.take_any(kBatchMost)) messages.push_back(std::move(item.message));
  send(collector_, messages);
}

}  // namespace dske::wireguard
