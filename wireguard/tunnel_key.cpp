#include "wireguard/tunnel_key.h"

#include <algorithm>

#include "base/log.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kKeyBytes = 32;
// Makes WireGuard begin a handshake at once, and again should it get no answer for long.
constexpr std::uint16_t kOpeningKeepaliveSeconds = 5;
// How long it is left so if no handshake comes.
constexpr std::chrono::seconds kOpeningMost{90};
// The key before, the one that is set, and the one that is about to be.
constexpr std::size_t kKeysRemembered = 3;

}  // namespace

void TunnelKey::see(const std::optional<PeerObservation>& peer) {
  if (!peer) {
    if (state_ != State::absent)
      log::warning("{}: the device or the peer on it is gone; its key with it", options_.label);
    state_ = State::absent;
    session_.ended(true);
    endpoint_known_ = false;
    return;
  }
  endpoint_known_ = peer->endpoint_known;
  keepalive_seconds_ = peer->keepalive_seconds;
  session_.see(*peer, parts_.clock.now(), parts_.clock.wall());
  if (changing_) return;  // what was seen may be from before the change
  judge(*peer);
  if (changing_) return;
  restore_keepalive(*peer);
  watch_age();
}

// Whose key is it that the device has?
void TunnelKey::judge(const PeerObservation& peer) {
  const bool first = !std::exchange(seen_before_, true);
  if ((state_ == State::held || state_ == State::shut) && peer.preshared_key == fingerprint_) return;
  if (state_ == State::initial) return;
  if (state_ == State::shut) return shut("the key that shuts the tunnel is no longer set");
  // Also while one is held: a device may have set another one and failed to say so.
  const auto& own = parts_.record.contents().keys;
  const auto known = std::find_if(
      own.begin(), own.end(), [&](const RecordedKey& key) { return key.fingerprint == peer.preshared_key; });
  if (known != own.end()) return adopt(*known);
  if (state_ == State::held) {
    return shut("another key than " + active_.text() +
                " is set: the device was made anew, or somebody set one");
  }
  if (first && options_.keep_initial_key) {
    state_ = State::initial;
    log::info("{}: goes on with the key that is set until the first agreed one", options_.label);
    return;
  }
  shut("no agreed key yet");
}

void TunnelKey::adopt(const RecordedKey& key) {
  state_ = State::held;
  active_ = key.id;
  sources_ = key.sources;
  fingerprint_ = key.fingerprint;
  applied_ = std::min(key.applied.monotonic(parts_.clock), parts_.clock.now());
  opened_ = parts_.clock.now();
  log::info("{}: key {} is set and its own: the tunnel goes on", options_.label, active_.text());
}

void TunnelKey::shut(const std::string& why) {
  SecretBytes random = parts_.randomness.bytes(kKeyBytes);
  const Fingerprint fingerprint = fingerprint_of(random.view());
  log::info("{}: the gate shuts: {}", options_.label, why);
  state_ = State::absent;
  changing_ = true;
  parts_.device.replace(std::move(random), std::nullopt, guard_([this, fingerprint](Result<void> done) {
                          changing_ = false;
                          if (!done) {
                            error_ = "the gate cannot be shut: " + done.error().message;
                            log::error("{}: {}", options_.label, error_);
                            return;
                          }
                          error_.clear();
                          fingerprint_ = fingerprint;
                          state_ = State::shut;
                          session_.ended(true);
                        }));
}

bool TunnelKey::proven_by_handshake() const {
  const auto last = session_.established();
  // Handshakes may be told in whole seconds.
  return state_ == State::held && last && session_.age() && *last + std::chrono::seconds(1) > applied_;
}

std::optional<std::uint16_t> TunnelKey::opening_keepalive() {
  opened_ = parts_.clock.now();
  KeyRecordContents contents = parts_.record.contents();
  if (!contents.keepalive_seconds) contents.keepalive_seconds = keepalive_seconds_;
  if (auto kept = parts_.record.replace(std::move(contents)); !kept) {
    log::warning("{}: {}", options_.label, kept.error().message);
    return std::nullopt;
  }
  return kOpeningKeepaliveSeconds;
}

void TunnelKey::restore_keepalive(const PeerObservation& peer) {
  const auto& before = parts_.record.contents().keepalive_seconds;
  if (!before) return;
  const bool over = session_.state() == Session::live || parts_.clock.now() - opened_ > kOpeningMost;
  if (!over) return;
  const auto forget = [this] {
    KeyRecordContents contents = parts_.record.contents();
    contents.keepalive_seconds.reset();
    if (auto kept = parts_.record.replace(std::move(contents)); !kept)
      log::warning("{}: {}", options_.label, kept.error().message);
  };
  // Somebody else has set another one meanwhile: that is theirs.
  if (peer.keepalive_seconds == *before || peer.keepalive_seconds != kOpeningKeepaliveSeconds)
    return forget();
  parts_.device.set_keepalive(
      *before, guard_([this, forget, seconds = *before, opened = opened_](const Result<void>& done) {
        if (!done) {
          return log::warning("{}: the keep-alive interval cannot be restored: {}", options_.label,
                              done.error().message);
        }
        if (opened != opened_) return;  // another one has been set since
        keepalive_seconds_ = seconds;
        forget();
      }));
}

void TunnelKey::watch_age() {
  if (state_ != State::held) return;
  const Duration most = options_.timings.key_age_most;
  if (most > Duration::zero() && age() > most) return shut("no new key has come for too long");
  if (!warned_ && age() > 2 * options_.timings.rotate) {
    warned_ = true;
    log::warning("{}: key {} should have been replaced by now; it stays", options_.label, active_.text());
  }
}

// Before the key is set, so that no moment is left in which it is set and not known.
Result<void> TunnelKey::remember(const RecordedKey& key) {
  KeyRecordContents contents = parts_.record.contents();
  std::erase_if(contents.keys, [&](const RecordedKey& one) { return one.id == key.id; });
  // Of keys that could not be set there may be many; the one that is set stays known.
  const auto oldest = std::find_if(contents.keys.begin(), contents.keys.end(), [&](const RecordedKey& one) {
    return state_ != State::held || one.id != active_;
  });
  if (contents.keys.size() >= kKeysRemembered && oldest != contents.keys.end()) contents.keys.erase(oldest);
  contents.keys.push_back(key);
  return parts_.record.replace(std::move(contents));
}

void TunnelKey::apply(const KeyId& id, std::vector<Source> sources, const SecretBytes& preshared_key,
                      bool open, Done done) {
  const RecordedKey key{id, fingerprint_of(preshared_key.view()), std::move(sources),
                        DurableDeadline::at(parts_.clock.now(), parts_.clock)};
  if (auto kept = remember(key); !kept) return done(kept.error());
  changing_ = true;
  auto finish = guard_([this, key, open, done = std::move(done)](Result<void> changed) mutable {
    changing_ = false;
    if (!changed && changed.error().kind == ErrorKind::not_found) see(std::nullopt);
    if (changed) {
      state_ = State::held;
      warned_ = false;
      active_ = key.id;
      sources_ = key.sources;
      fingerprint_ = key.fingerprint;
      applied_ = parts_.clock.now();
      if (open) session_.ended(true);
    }
    done(std::move(changed));
  });
  if (open) {
    parts_.device.replace(preshared_key.clone(), opening_keepalive(), std::move(finish));
  } else {
    parts_.device.set_key(preshared_key.clone(), std::move(finish));
  }
}

void TunnelKey::open(Done done) {
  changing_ = true;
  parts_.device.replace({}, opening_keepalive(),
                        guard_([this, done = std::move(done)](Result<void> changed) mutable {
                          changing_ = false;
                          if (changed) session_.ended(true);
                          done(std::move(changed));
                        }));
}

}  // namespace dske::wireguard
