#include "wireguard/generator.h"

#include <algorithm>

#include "base/log.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::seconds kFirstRetry{1};
constexpr std::chrono::seconds kOfferAgain{3};
constexpr int kOffersMost = 4;
// How long a key is offered whose other half cannot be had.
constexpr std::chrono::minutes kOfferedMost{10};
constexpr std::chrono::seconds kFirstReopen{5};
constexpr std::chrono::seconds kReopenMost{120};
constexpr std::chrono::seconds kLook{1};  // between two looks at a device without a session
// The other end was heard of lately if it was within this many comparisons.
constexpr int kComparisonsMissed = 3;
// What the other end told of itself may have been on its way while both changed their keys.
constexpr std::chrono::seconds kStatesCross{2};

}  // namespace

Generator::Generator(ExchangeParts parts)
    : parts_(std::move(parts)),
      retry_(kFirstRetry, parts_.timings.retry, parts_.randomness),
      reopen_(kFirstReopen, kReopenMost, parts_.randomness) {}

void Generator::take(const Message& message) {
  if (const auto* state = std::get_if<StateMessage>(&message)) {
    const bool silent = !peer_;
    const bool changed = !silent && *peer_ != *state;
    peer_ = *state;
    heard_ = parts_.clock.now();
    // What it was at a loss for may be there now.
    if (changed && attempt_ && attempt_->refused) attempt_->offer_at = heard_;
    if (silent) {
      retry_at_ = heard_;
      insists_ = false;
    }
    step();
  } else if (const auto* confirm = std::get_if<ConfirmMessage>(&message)) {
    take_confirm(*confirm);
  } else if (const auto* refusal = std::get_if<RefuseMessage>(&message)) {
    take_refusal(*refusal);
  }
}

void Generator::wake() {
  retry_at_ = parts_.clock.now();
  step();
}

void Generator::step() {
  const MonotonicTime now = parts_.clock.now();
  if (peer_ && now - heard_ > kComparisonsMissed * parts_.timings.compare) {
    peer_.reset();
    last_error_ = "the other end's adapter does not answer";
  }
  open_if_down();
  if (attempt_) {
    if (attempt_->applying || now < attempt_->offer_at) return;
    if (attempt_->offers < kOffersMost) return offer();
    return fail("the other end does not confirm key " + attempt_->key.text(), retry_.next());
  }
  if (fetching_ || !parts_.tunnel.ready() || !peer_ || now < retry_at_) return;
  if (const std::string reason = reason_to_begin(); !reason.empty()) begin(reason);
}

// Empty: there is none.
std::string Generator::reason_to_begin() const {
  const auto active = parts_.tunnel.active();
  if (!active) return "there is no agreed key yet";
  const MonotonicTime now = parts_.clock.now();
  const MonotonicTime applied = now - std::chrono::duration_cast<BootClock::duration>(parts_.tunnel.age());
  if (peer_->active != active && heard_ - applied > kStatesCross) return "the other end holds another key";
  // After a restart the age of the key that was taken over decides.
  const bool due = rotate_at_ ? now >= *rotate_at_ : parts_.tunnel.age() >= parts_.timings.rotate;
  if (due && parts_.tunnel.session().is_moment_for_change()) return "it is time";
  return {};
}

// Its device was made anew, say: then the session that is live here is live here alone. It has had the time
// to see a handshake since, and to tell of it.
bool Generator::other_is_down() const {
  return peer_->session == Session::down && heard_ - settled_ > parts_.timings.compare * 6 / 5 + kLook;
}

// Both hold the same key, and yet no session comes about: by the protocol the two ends may go on missing each
// other when both begin. Whether another key is to come does not matter: that may take long.
void Generator::open_if_down() {
  if (!peer_ || !parts_.tunnel.ready() || !parts_.tunnel.active() || peer_->active != parts_.tunnel.active())
    return;
  const MonotonicTime now = parts_.clock.now();
  const Session own = parts_.tunnel.session().state();
  if (own != Session::down && !other_is_down()) {
    if (own == Session::live) reopen_.reset();
    reopen_at_ = MonotonicTime();
    return;
  }
  if (reopen_at_ == MonotonicTime()) reopen_at_ = own == Session::down ? now + reopen_.next() : now;
  if (now < reopen_at_) return;
  reopen_at_ = now + reopen_.next();
  settled_ = now;
  log::info("{}: no session under key {}: begins a handshake anew", parts_.label,
            parts_.tunnel.active()->text());
  if (parts_.tunnel.endpoint_known()) {
    parts_.tunnel.open([label = parts_.label](const Result<void>& opened) {
      if (!opened) log::warning("{}: {}", label, opened.error().message);
    });
  } else if (peer_->endpoint_known) {
    parts_.channel.send(AppliedMessage{*parts_.tunnel.active(), true}, [](const Result<void>& /*sent*/) {});
  }
}

void Generator::begin(const std::string& reason) {
  if (const auto without = left_out_.find(Source::dske); without != left_out_.end())
    return build(Error{ErrorKind::unavailable, without->second});
  if (const std::string lacking = lacking_here(); !lacking.empty())
    return fail(lacking, spread(parts_.timings.retry, parts_.randomness));
  log::debug("{}: asks for a key: {}", parts_.label, reason);
  fetching_ = true;
  parts_.keys.new_key(parts_.peer_sae, guard_([this](Result<DeliveredKey> key) {
                        fetching_ = false;
                        take_key(std::move(key));
                      }));
}

void Generator::take_key(Result<DeliveredKey> key) {
  if (key || parts_.trust.require == Require::any) return build(std::move(key));
  // Nothing is lost by waiting while a key is held; the source wakes this up when keys are there again.
  fail(key.error().message, spread(parts_.timings.retry, parts_.randomness));
}

// Every source beside DSKE that is configured and can be had, into the attempt's offer as well.
void Generator::gather(Attempt& attempt, std::vector<Ingredient>& ingredients) {
  const auto add = [&](Source source, SecretBytes secret) {
    attempt.offer.sources.push_back(source);
    ingredients.push_back({source, std::move(secret)});
  };
  const auto wanted = [&](Source source) {
    const auto left_out = left_out_.find(source);
    if (left_out != left_out_.end() && source != Source::previous) attempt.lacks(source, left_out->second);
    return left_out == left_out_.end();
  };
  if (parts_.trust.tls && wanted(Source::tls)) {
    if (auto secret = parts_.channel.tls_secret()) {
      attempt.offer.tls = secret->id;
      add(Source::tls, std::move(secret->secret));
    } else {
      attempt.lacks(Source::tls, "there is no connection yet");
    }
  }
  if (parts_.trust.uses_file() && wanted(Source::file)) {
    if (auto contents = parts_.file.current()) {
      attempt.offer.file = file_tag(*contents, attempt.key);
      add(Source::file, std::move(*contents));
    } else {
      attempt.lacks(Source::file, contents.error().message);
    }
  }
  if (parts_.trust.ratchet && wanted(Source::previous) && last_.id && !last_.chain.empty()) {
    attempt.offer.previous = last_.id;
    add(Source::previous, last_.chain.clone());
  }
}

void Generator::Attempt::lacks(Source source, const std::string& why) {
  missing += (missing.empty() ? "" : "; ") + std::string(name_of(source)) + ": " + why;
}

// What this end requires and does not have itself: then no key is spent. Empty if there is nothing.
std::string Generator::lacking_here() {
  Attempt trial;
  trial.offer.sources = {Source::dske};
  std::vector<Ingredient> ingredients;
  gather(trial, ingredients);
  const std::string refusal = refusal_of(parts_.trust, trial.offer.sources);
  return refusal.empty() ? "" : refusal + " (" + trial.missing + ")";
}

// Of a key, or of what there is beside it.
void Generator::build(Result<DeliveredKey> key) {
  auto attempt = std::make_unique<Attempt>();
  attempt->key = attempt->offer.key = key ? key->id : KeyId::random(parts_.randomness);
  std::vector<Ingredient> ingredients;
  if (key) {
    attempt->offer.sources = {Source::dske};
    ingredients.push_back({Source::dske, std::move(key->value)});
  } else {
    attempt->lacks(Source::dske, key.error().message);
  }
  gather(*attempt, ingredients);
  std::string refusal =
      ingredients.empty() ? "no source has a secret" : refusal_of(parts_.trust, attempt->offer.sources);
  if (!refusal.empty()) {
    left_out_.clear();
    if (!attempt->missing.empty()) refusal += " (" + attempt->missing + ")";
    return fail(refusal, spread(parts_.timings.retry, parts_.randomness));
  }
  attempt->derived = derive_keys({attempt->key, parts_.own_key, parts_.peer_key}, ingredients);
  attempt->offer.proof = prove(attempt->derived.confirmation, Role::generator, attempt->key);
  attempt->begun = parts_.clock.now();
  attempt_ = std::move(attempt);
  offer();
}

void Generator::offer() {
  attempt_->offer_at = parts_.clock.now() + kOfferAgain;
  ++attempt_->offers;
  attempt_->refused = false;
  parts_.channel.send(attempt_->offer, guard_([this, key = attempt_->key](const Result<void>& sent) {
                        if (sent || !attempt_ || attempt_->key != key || attempt_->applying) return;
                        fail("the other end's adapter cannot be told of a key: " + sent.error().message,
                             retry_.next());
                      }));
}

void Generator::take_confirm(const ConfirmMessage& confirm) {
  if (!attempt_ || attempt_->applying || attempt_->key != confirm.key) return;
  peer_ = confirm.state;
  heard_ = parts_.clock.now();
  if (!proves(confirm.proof, attempt_->derived.confirmation, Role::recoverer, confirm.key))
    return fail("the other end's proof for key " + confirm.key.text() + " is wrong", retry_.next());
  if (parts_.tunnel.state() == TunnelKey::State::absent) return fail("the device is gone", retry_.next());
  if (!parts_.tunnel.ready()) {  // something else is being set: the other end confirms again when asked
    attempt_->offer_at = heard_ + kLook;
    return;
  }
  attempt_->applying = true;
  const bool open =
      confirm.state.session == Session::down || parts_.tunnel.session().state() == Session::down;
  const bool by_recoverer = open && !parts_.tunnel.endpoint_known();
  parts_.tunnel.apply(confirm.key, attempt_->offer.sources, attempt_->derived.preshared_key,
                      open && !by_recoverer,
                      guard_([this, peer = confirm.state, by_recoverer](Result<void> applied) {
                        finish(std::move(applied), peer, by_recoverer);
                      }));
}

void Generator::finish(Result<void> applied, const StateMessage& peer, bool by_recoverer) {
  if (!applied) return fail("the key cannot be set: " + applied.error().message, retry_.next());
  const std::unique_ptr<Attempt> done = std::move(attempt_);
  last_ = {done->key, std::move(done->derived.confirmation), std::move(done->derived.chain)};
  left_out_.clear();
  insists_ = false;
  last_error_ = done->missing.empty() ? "" : "the key lacks sources: " + done->missing;
  if (!done->missing.empty() && done->missing != missing_) log::warning("{}: {}", parts_.label, last_error_);
  missing_ = done->missing;
  retry_.reset();
  reopen_.reset();
  reopen_at_ = MonotonicTime();
  settled_ = parts_.clock.now();
  rotate_at_ = parts_.clock.now() + spread(parts_.timings.rotate, parts_.randomness);
  log::info("{}: key {} is set at both ends, made of {}", parts_.label, done->key.text(),
            names_of(done->offer.sources));
  parts_.channel.send(AppliedMessage{done->key, by_recoverer && peer.endpoint_known},
                      [](const Result<void>& /*sent*/) {});
}

void Generator::take_refusal(const RefuseMessage& refusal) {
  if (!attempt_ || attempt_->applying || attempt_->key != refusal.key) return;
  const std::string why = "the other end refuses key " + refusal.key.text() + ": " +
                          std::string(name_of(refusal.reason)) +
                          (refusal.detail.empty() ? "" : ", " + refusal.detail);
  switch (refusal.reason) {
    case Refusal::no_key:
      if (leave_out(Source::dske, why)) return fail(why, Duration::zero());
      return offer_later(why);
    case Refusal::device:
      return offer_later(why);
    case Refusal::previous:
      return fail(why, leave_out(Source::previous, why) ? Duration::zero() : retry_.next());
    case Refusal::tls:
      return fail(why, leave_out(Source::tls, why) ? Duration::zero() : retry_.next());
    case Refusal::file:
      return fail(why, leave_out(Source::file, why) ? Duration::zero() : retry_.next());
    case Refusal::proof:
      last_ = {};
      return fail(why, retry_.next());
    case Refusal::policy:
      insists_ = !left_out_.empty();
      left_out_.clear();
      return fail(why, retry_.next());
    default:
      return fail(why, retry_.next());
  }
}

// Whether the next attempt may do without a source that the other end could not follow: each but once until a
// key is agreed, so that refusals, whatever they are, do not make this end take key after key; and only where
// the other end's own rules allow it.
bool Generator::leave_out(Source source, const std::string& why) {
  const auto& offered = attempt_->offer.sources;
  const bool is_offered = std::find(offered.begin(), offered.end(), source) != offered.end();
  const bool may_lack = source == Source::previous ||
                        (!insists_ && (parts_.trust.require == Require::any ||
                                       (parts_.trust.require == Require::dske && source != Source::dske)));
  return is_offered && may_lack && left_out_.try_emplace(source, why).second;
}

// The other end's KME or device is at a loss; the key is good, and another one would only be spent.
void Generator::offer_later(const std::string& why) {
  if (parts_.clock.now() - attempt_->begun > kOfferedMost) return fail(why, retry_.next());
  if (why != last_error_) log::warning("{}: {}", parts_.label, why);
  last_error_ = why;
  attempt_->offers = 0;
  attempt_->refused = true;
  attempt_->offer_at = parts_.clock.now() + std::chrono::duration_cast<BootClock::duration>(
                                                spread(parts_.timings.retry, parts_.randomness));
}

void Generator::fail(const std::string& why, Duration wait) {
  if (why != last_error_) log::warning("{}: {}", parts_.label, why);
  last_error_ = why;
  attempt_.reset();
  retry_at_ = parts_.clock.now() + wait;
}

}  // namespace dske::wireguard
