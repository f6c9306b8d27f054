#include "dske/initiator_posting.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "dske/one_time_pad.h"

namespace dske {

Initiator::Posting::Posting(Parts parts, Initiator& initiator, Initiator::Done done)
    : parts_(std::move(parts)),
      initiator_(initiator),
      done_(std::move(done)),
      outcomes_(parts_.links.size(), Outcome::outstanding) {}

void Initiator::Posting::start() {
  // Not waited for: the store works in order, and the keys wait for the acknowledgement behind it.
  initiator_.store_.begin_bundle(parts_.context.id, parts_.context.hubs, parts_.expires,
                                 [self = shared_from_this()](const Result<void>& result) {
                                   if (!result) self->store_error_ = result.error();
                                 });
  for (std::size_t i = 0; i < parts_.links.size(); ++i) post(i, true);
  started_ = true;
  decide(false);
}

void Initiator::Posting::post(std::size_t i, bool may_retry) {
  if (parts_.psrd_shares[i]) {
    HubLink::Pad pad = std::move(*parts_.psrd_shares[i]);
    // A hub that has to be asked again may have discarded these bytes: it gets the share as any other.
    parts_.psrd_shares[i].reset();
    return send(i, may_retry, ShareSource::psrd, std::move(pad));
  }
  parts_.links[i]->reserve_pad(parts_.context.share_bytes(),
                               [self = shared_from_this(), i, may_retry](Result<HubLink::Pad> pad) {
                                 if (!pad) {
                                   self->failed(i, pad.error());
                                 } else {
                                   self->send(i, may_retry, ShareSource::message, std::move(*pad));
                                 }
                               });
}

void Initiator::Posting::send(std::size_t i, bool may_retry, ShareSource source, HubLink::Pad pad) {
  const auto left =
      std::chrono::duration_cast<std::chrono::seconds>(parts_.expires - initiator_.clock_.now());
  KeyShareMessage message;
  message.context = parts_.context;
  message.source = source;
  if (source == ShareSource::message) {
    message.encrypted_share = parts_.shares[i].clone();
    apply_pad(message.encrypted_share.span(), pad.reserved.bytes.view());
  }
  message.allocation = pad.reserved.allocation;
  message.secret_tag = parts_.tag;
  // Rounded up, so that a hub never forgets a share before the initiator does.
  message.lifetime = std::min(left + std::chrono::seconds(1), parts_.lifetime);
  parts_.links[i]->call("POST", "/key-share", {message.write(), KeyShareMessage::kContentType},
                        [self = shared_from_this(), i, may_retry, in_use = std::move(pad.in_use)](
                            Result<HubReply> reply) { self->answered(i, may_retry, std::move(reply)); });
}

void Initiator::Posting::answered(std::size_t i, bool may_retry, Result<HubReply> reply) {
  if (!reply && reply.error().kind == ErrorKind::unauthenticated && may_retry && !decided_) {
    // The hub has restarted. Once registered again the share goes out under a fresh pad and key.
    parts_.links[i]->after_registration([self = shared_from_this(), i] { self->post(i, false); });
    return;
  }
  if (!reply) return failed(i, reply.error());
  if (reply->status == 404) {
    // The slave's client has left this hub since its location was learnt.
    for (const Slave& slave : parts_.context.slaves) initiator_.directory_.forget(slave.sae_id);
  }
  if (reply->status != 200) return failed(i, {ErrorKind::forbidden, reply->refusal()});
  outcomes_[i] = Outcome::acknowledged;
  wipe(parts_.shares[i].span());
  if (withdrawing_) return initiator_.withdraw_at(parts_.links[i], parts_.context.id);
  decide(false);
}

void Initiator::Posting::failed(std::size_t i, const Error& error) {
  outcomes_[i] = error.kind == ErrorKind::unavailable ? Outcome::unsure : Outcome::failed;
  exhausted_ = exhausted_ || error.kind == ErrorKind::exhausted;
  causes_.push_back({parts_.links[i]->address().name, error.message});
  if (withdrawing_ && may_hold(i)) return initiator_.withdraw_at(parts_.links[i], parts_.context.id);
  decide(false);
}

bool Initiator::Posting::may_hold(std::size_t i) const {
  return outcomes_[i] == Outcome::acknowledged || outcomes_[i] == Outcome::unsure;
}

std::size_t Initiator::Posting::fewest(bool counting_outstanding) const {
  std::size_t least = outcomes_.size();
  for (const auto& client : parts_.hubs_of_clients) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
      const bool counts = outcomes_[i] == Outcome::acknowledged ||
                          (counting_outstanding && outcomes_[i] == Outcome::outstanding);
      const HubId& hub = parts_.context.hubs[i];
      if (counts && std::find(client.second.begin(), client.second.end(), hub) != client.second.end())
        ++count;
    }
    least = std::min(least, count);
  }
  return least;
}

void Initiator::Posting::decide(bool waited) {
  if (decided_ || !started_) return;
  const bool all_answered =
      std::find(outcomes_.begin(), outcomes_.end(), Outcome::outstanding) == outcomes_.end();
  if (fewest(false) >= parts_.hubs_needed) {
    if (all_answered || waited) {
      decided_ = true;
      succeed();
    } else if (!grace_running_) {
      grace_running_ = true;
      initiator_.loop_.after(parts_.grace, [self = shared_from_this()] { self->decide(true); });
    }
  } else if (fewest(true) < parts_.hubs_needed) {
    decided_ = true;
    fail();
  }
}

void Initiator::Posting::succeed() {
  if (!causes_.empty()) log::warning("bundle {}: {}", parts_.context.id.text(), text_of(causes_));
  initiator_.store_.acknowledge_bundle(parts_.context.id, [self = shared_from_this()](Result<void> result) {
    if (!result && !self->store_error_) self->store_error_ = result.error();
    if (self->store_error_) return self->fail_with({self->store_error_->within("our own store")});
    self->done_(EstablishedBundle{self->parts_.context, std::move(self->parts_.keys), self->parts_.expires,
                                  self->fewest(false)});
  });
}

void Initiator::Posting::fail() {
  fail_with({{exhausted_ ? ErrorKind::exhausted : ErrorKind::unavailable,
              "too few hubs took their share, " + std::to_string(parts_.hubs_needed) + " are needed (" +
                  text_of(causes_) + ")"},
             {},
             causes_,
             fewest(true)});
}

void Initiator::Posting::fail_with(BundleFailure failure) {
  withdrawing_ = true;
  for (const Slave& slave : parts_.context.slaves) initiator_.directory_.forget(slave.sae_id);
  std::vector<HubId> holders;
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    if (may_hold(i)) holders.push_back(parts_.context.hubs[i]);
  }
  initiator_.withdraw(parts_.context.id, holders);
  done_(std::move(failure));
}

}  // namespace dske
