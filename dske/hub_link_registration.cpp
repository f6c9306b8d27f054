// How a link registers, and how it leaves.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "dske/hub_link.h"

namespace dske {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{100};
constexpr milliseconds kMostRetry{5000};
// A hub that does not accept our signature costs PSRD with every attempt.
constexpr milliseconds kFirstRefusedRetry{1000};
constexpr milliseconds kMostRefusedRetry{600000};
// One that accepts none of our blocks is not likely to be another in ten minutes.
constexpr milliseconds kMostAllRefusedRetry{3600000};
// Anyone can send an unsigned answer: how often it may make us spend PSRD on a registration.
constexpr milliseconds kFirstPause{1000};
constexpr milliseconds kMostPause{30000};
// What a hub signed longer ago than this has arrived or is given up.
constexpr std::chrono::minutes kAnswersUnderWay{10};
constexpr std::chrono::hours kRegistrationInterval{1};
// So many refusals, and each of the blocks among them, are no passing trouble.
constexpr std::uint64_t kRefusalsTold = 3;

}  // namespace

void HubLink::psrd_added() {
  for (const BlockId& block : refused_blocks_) pool_->set_aside(block);
  use_all_if_none_signs();
  retry_delay_ = milliseconds(0);
  spent_delay_ = milliseconds(0);
  register_now();
}

void HubLink::leave(Leaving how, UniqueFunction<void(Result<void>)> done) {
  // The registration that is under way tells the hub which blocks there are.
  after_registration([self = shared_from_this(), how, done = std::move(done)]() mutable {
    self->send_leave(how, true, std::move(done));
  });
}

void HubLink::send_leave(Leaving how, bool may_retry, UniqueFunction<void(Result<void>)> done) {
  const std::string psrd = how == Leaving::wipe_psrd ? "wipe" : "keep";
  call("DELETE", "/registration?psrd=" + psrd, {},
       [self = shared_from_this(), how, may_retry, done = std::move(done)](Result<HubReply> reply) mutable {
         if (!reply && reply.error().kind == ErrorKind::unauthenticated && may_retry) {
           return self->after_registration([self, how, done = std::move(done)]() mutable {
             self->send_leave(how, false, std::move(done));
           });
         }
         if (!reply) return done(reply.error());
         if (reply->status != 200) {
           return done(Error{ErrorKind::unavailable, reply->refusal()});
         }
         self->set_aside();
         done({});
       });
}

void HubLink::set_aside() {
  set_state(State::set_aside);
  last_error_ = "set aside";
  polling_key_ = {};
  due_ = false;
  if (timer_) client_.loop.cancel(*timer_);
  timer_.reset();
  for (Task& task : std::exchange(waiting_, {})) client_.loop.post(std::move(task));
}

void HubLink::resume() {
  if (state_ != State::set_aside) return;
  last_error_.clear();
  set_state(State::registering);
  register_now();
}

void HubLink::register_now() {
  if (state_ == State::set_aside) return;
  if (attempting_) {
    again_ = true;
    return;
  }
  if (timer_) {
    client_.loop.cancel(*timer_);
    timer_.reset();
  }
  start_registration();
}

void HubLink::start_registration() {
  attempting_ = true;
  due_ = false;
  if (pool_->blocks().empty()) {
    set_state(State::no_psrd);
    registration_failed({ErrorKind::exhausted, "no PSRD; ingest a file of this hub"}, false);
    return;
  }
  if (pending_ && !lists_all_blocks(pending_->request)) pending_.reset();
  if (state_ == State::no_psrd) set_state(State::registering);
  if (pending_) {
    send_registration();
    return;
  }
  client_.registrations.next_registration_number(address_.id,
                                                 [self = shared_from_this()](Result<std::uint64_t> number) {
                                                   if (!number)
                                                     return self->registration_failed(number.error(), false);
                                                   self->prepare_registration(*number);
                                                 });
}

void HubLink::prepare_registration(std::uint64_t number) {
  if (state_ == State::set_aside) return end_attempt();
  pool_->allocate(Zone::authenticator, kPollingKeyBytes,
                  [self = shared_from_this(), number](Result<Reserved> polling) mutable {
                    if (!polling) {
                      self->use_all_if_none_signs();
                      return self->registration_failed(polling.error(), false);
                    }
                    self->pool_->allocate(
                        Zone::authenticator, kOneTimeMacKeySize,
                        [self, number, polling = std::move(*polling)](Result<Reserved> key) mutable {
                          if (!key) return self->registration_failed(key.error(), false);
                          self->make_registration(number, std::move(polling), std::move(*key));
                          self->send_registration();
                        });
                  });
}

void HubLink::make_registration(std::uint64_t number, Reserved polling_key, Reserved key) {
  RegistrationRequest request{client_.name, number, client_.sae_ids, polling_key.allocation, {}};
  InUse polling_key_in_use(in_use_, Zone::authenticator, polling_key.allocation);
  InUse key_in_use(in_use_, Zone::authenticator, key.allocation);
  for (const BlockId& block : pool_->blocks()) {
    BlockPositions positions{block, {}, {}};
    for (const Zone zone : kZones) {
      positions.own[zone] = lowest_in_use(block, zone);
      positions.seen[zone] = pool_->highest_seen(block, zone);
    }
    request.blocks.push_back(positions);
  }
  // NOLINTNEXTLINE(modernize-make-unique): an aggregate
  pending_.reset(new PendingRegistration{std::move(request), std::move(polling_key.bytes), std::move(key),
                                         std::move(polling_key_in_use), std::move(key_in_use)});
}

bool HubLink::lists_all_blocks(const RegistrationRequest& request) const {
  const std::vector<BlockId> blocks = pool_->blocks();
  return std::all_of(blocks.begin(), blocks.end(), [&](const BlockId& block) {
    return std::any_of(request.blocks.begin(), request.blocks.end(),
                       [&](const BlockPositions& listed) { return listed.block == block; });
  });
}

void HubLink::send_registration() {
  Reserved key{pending_->key.allocation, pending_->key.bytes.clone()};
  send_signed(
      Epoch(), "PUT", "/registration", pending_->request.write(), std::move(key),
      [self = shared_from_this()](Result<HubReply> reply) { self->registration_answered(std::move(reply)); });
}

void HubLink::registration_answered(Result<HubReply> reply) {
  if (state_ == State::set_aside) {
    pending_.reset();
    return end_attempt();
  }
  if (!reply) {
    if (reply.error().kind == ErrorKind::unauthenticated) {
      note_refusal();
      try_another_block();
    }
    // A message that nobody answered may go out again as it is. If the hub did take it and its answer was
    // lost, it refuses the repetition, and then a new one is made.
    return registration_failed(reply.error(), reply.error().kind != ErrorKind::unavailable);
  }
  if (reply->status != 200) {
    return registration_failed(
        {ErrorKind::unavailable, "registration refused with " + std::to_string(reply->status) + ": " +
                                     HubReply::message_of(reply->body)},
        true);
  }
  auto answer = RegistrationAnswer::parse(reply->body.text());
  if (!answer) return registration_failed(answer.error(), true);
  if (answer->hub_id != address_.id) return registration_failed(invalid("the hub has another id"), true);
  accept(*answer);
}

void HubLink::note_refusal() {
  if (refusals_++ == 0) refused_since_ = client_.clock.now();
  for (const Fragment& fragment : pending_->key.allocation) refused_blocks_.insert(fragment.block);
}

bool HubLink::refuses_all_blocks() const {
  const std::vector<BlockId> blocks = pool_->blocks();
  return refusals_ >= kRefusalsTold && std::all_of(blocks.begin(), blocks.end(), [&](const BlockId& block) {
           return refused_blocks_.contains(block);
         });
}

void HubLink::try_another_block() {
  for (const Fragment& fragment : pending_->key.allocation) pool_->set_aside(fragment.block);
  use_all_if_none_signs();
}

void HubLink::use_all_if_none_signs() {
  // A block that is used up signs nothing.
  std::uint64_t left = 0;
  for (const BlockId& block : pool_->listed_blocks())
    left += pool_->block_levels(block).client_authenticator.left_bytes;
  if (left >= kPollingKeyBytes + kOneTimeMacKeySize) return;
  for (const BlockId& block : pool_->blocks()) pool_->set_allocatable(block);
}

void HubLink::accept(const RegistrationAnswer& answer) {
  for (const BlockPositions& block : answer.blocks) pool_->set_allocatable(block.block);
  discard_used(answer);
  for (const BlockPositions& block : answer.blocks) {
    bool set_back = false;
    for (const Zone zone : kZones) {
      set_back = pool_->skip_used(block.block, zone, block.seen[zone]) || set_back;
    }
    if (!set_back) continue;
    // Beyond what the hub has seen there may be bytes that were sent and never arrived: nobody knows which.
    log::error(
        "hub {} has seen PSRD of block {} used beyond our own record: the store was set back; the block is "
        "dropped, have new PSRD made",
        address_.name.text(), block.block.text());
    pool_->remove_block(block.block);
    client_.block_gone(block.block);
    again_ = true;  // so that the hub drops it too
  }
  for (const BlockId& block : answer.unknown_blocks) {
    if (!pool_->has_block(block)) continue;
    log::error("PSRD block {} is revoked by, or unknown to, hub {}: dropped; have new PSRD made there",
               block.text(), address_.name.text());
    pool_->remove_block(block);
    ++unknown_blocks_;
    client_.block_gone(block);
  }
  refused_blocks_.clear();
  refusals_ = 0;
  for (const SaeId& sae : answer.refused_sae_ids) {
    log::warning("hub {} does not accept SAE ID {} for this client; ask its operator to bind it",
                 address_.name.text(), sae.text());
  }
  epoch_ = answer.epoch;
  limits_ = answer.limits;
  registration_number_ = pending_->request.number;
  polling_key_ = std::move(pending_->polling_key);
  polling_counter_ = 0;
  pending_.reset();
  if (state_ != State::registered) log::info("registered with hub {}", address_.name.text());
  last_error_.clear();
  set_state(State::registered);
  retry_delay_ = milliseconds(0);
  spent_delay_ = milliseconds(0);
  pause_ = std::clamp(pause_ * 2, kFirstPause, kMostPause);
  pause_end_ = client_.clock.now() + pause_;
  register_after(kRegistrationInterval);
  due_ = false;
  end_attempt();
}

void HubLink::discard_used(const RegistrationAnswer& answer) {
  const MonotonicTime now = client_.clock.now();
  const bool new_epoch = answer.epoch != epoch_;
  // Within one epoch answers may be under way whose bytes lie below the hub's position: what is discarded is
  // where it stood some time ago.
  if (!new_epoch && now - hub_positions_at_ < kAnswersUnderWay) return;
  for (const BlockPositions& block : new_epoch ? answer.blocks : hub_positions_) {
    for (const Zone zone : kZones) pool_->raise_floor(block.block, zone, block.own[zone]);
  }
  hub_positions_ = answer.blocks;
  hub_positions_at_ = now;
}

void HubLink::registration_failed(const Error& error, bool spent) {
  if (spent) pending_.reset();
  if (state_ == State::set_aside) return end_attempt();
  const bool refused = error.kind == ErrorKind::unauthenticated && refuses_all_blocks();
  if (refused && state_ != State::refused) {
    log::error(
        "hub {} answers, but accepts none of our PSRD: if its operator has revoked it, or its store was lost "
        "or "
        "it was made anew, have new PSRD made there; nothing is dropped",
        address_.name.text());
  }
  if (last_error_ != error.message)
    log::warning("hub {}: cannot register: {}", address_.name.text(), error.message);
  last_error_ = error.message;
  if (state_ != State::no_psrd) set_state(refused ? State::refused : State::unreachable);
  // Each grows by itself: a hub that takes our messages and cannot sign its answers causes both in turn.
  milliseconds& delay = spent ? spent_delay_ : retry_delay_;
  delay = spent
              ? std::clamp(delay * 2, kFirstRefusedRetry, refused ? kMostAllRefusedRetry : kMostRefusedRetry)
              : std::clamp(delay * 2, kFirstRetry, kMostRetry);
  // Without PSRD nothing can be tried until some is ingested, and that registers.
  if (state_ != State::no_psrd) register_after(delay);
  end_attempt();
}

void HubLink::register_after(std::chrono::nanoseconds delay) {
  if (timer_) client_.loop.cancel(*timer_);
  due_ = true;
  timer_ = client_.loop.after(delay, [self = shared_from_this()] {
    self->timer_.reset();
    self->register_now();
  });
}

void HubLink::end_attempt() {
  attempting_ = false;
  const bool again = std::exchange(again_, false);
  // Something changed after the message was made (PSRD was added, the hub restarted): it does not say that,
  // and who waits may wait for just that.
  if (again) pending_.reset();
  if (again && state_ != State::set_aside) return register_now();
  for (Task& task : std::exchange(waiting_, {})) client_.loop.post(std::move(task));
}

std::uint64_t HubLink::lowest_in_use(const BlockId& block, Zone zone) const {
  std::uint64_t lowest = pool_->next(block, zone);
  const auto& starts = (*in_use_)[zone];
  const auto found = starts.lower_bound({block, 0});
  if (found != starts.end() && found->first == block) lowest = std::min(lowest, found->second);
  return lowest;
}

}  // namespace dske
