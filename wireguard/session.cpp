#include "wireguard/session.h"

#include <algorithm>
#include <utility>

namespace dske::wireguard {
namespace {

// One handshake may be under way; what goes on for so long gets no answer.
constexpr std::chrono::seconds kUnansweredFor{4};
// Handshakes that get no answer are sent every 5 s. A keep-alive interval alone is no reason to look for
// more.
constexpr std::chrono::seconds kGoesOn{15};

}  // namespace

std::string_view name_of(Session session) {
  switch (session) {
    case Session::live:
      return "live";
    case Session::idle:
      return "idle";
    case Session::down:
      break;
  }
  return "down";
}

void SessionWatch::see(const PeerObservation& peer, MonotonicTime now, WallTime wall) {
  // A handshake that never was: the device was made anew, and its session is gone with it.
  if (last_handshake_ && !peer.last_handshake && last_handshake_ != ended_handshake_) wanted_ = true;
  if (peer.last_handshake != last_handshake_) note_handshake(peer.last_handshake, now, wall);
  age_.reset();
  if (established_ && last_handshake_ != ended_handshake_) age_ = now - *established_;
  const bool grew = peer.sent_bytes > std::exchange(sent_bytes_, peer.sent_bytes);
  seen_ = now;
  if (age_ && *age_ <= kSessionDies) {
    grew_first_.reset();
    wanted_ = false;
  } else if (grew) {
    if (!grew_first_ || now - grew_last_ > kGoesOn) grew_first_ = now;
    grew_last_ = now;
  }
}

// The wall clock tells once how long ago a handshake was: should it be set later, the session is as old as
// before. Should it have been set just now, the handshake has come since the last look all the same.
void SessionWatch::note_handshake(std::optional<WallTime> handshake, MonotonicTime now, WallTime wall) {
  last_handshake_ = handshake;
  established_.reset();
  if (!handshake) return;
  const Duration most = seen_ == MonotonicTime() ? Duration::max() : now - seen_;
  established_ = now - std::clamp<Duration>(wall - *handshake, Duration::zero(), most);
}

void SessionWatch::ended(bool wanted) {
  ended_handshake_ = last_handshake_;
  age_.reset();
  sent_bytes_ = 0;
  grew_first_.reset();
  wanted_ = wanted;
}

Session SessionWatch::state() const {
  if (age_ && *age_ <= kSessionDies) return Session::live;
  const bool unanswered =
      grew_first_ && grew_last_ - *grew_first_ >= kUnansweredFor && seen_ - grew_last_ <= kGoesOn;
  return wanted_ || unanswered ? Session::down : Session::idle;
}

bool SessionWatch::is_moment_for_change() const {
  if (!age_ || *age_ > kSessionDies) return true;
  return *age_ >= kChangeFrom && *age_ <= kChangeUntil;
}

}  // namespace dske::wireguard
