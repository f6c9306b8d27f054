#include "wireguard/peer.h"

#include "base/log.h"
#include "wireguard/generator.h"
#include "wireguard/recoverer.h"

namespace dske::wireguard {
namespace {

std::unique_ptr<Exchange> make_exchange(Role role, const ExchangeParts& parts) {
  if (role == Role::generator) return std::make_unique<Generator>(parts);
  return std::make_unique<Recoverer>(parts);
}

}  // namespace

Peer::Peer(ExchangeParts parts)
    : parts_(std::move(parts)),
      role_(role_of(parts_.own_key, parts_.peer_key)),
      exchange_(make_exchange(role_, parts_)) {}

void Peer::see(const std::optional<PeerObservation>& peer) {
  parts_.tunnel.see(peer);
  // What the first look shows, a device that is gone and a gate that has just shut are told at once: the
  // other end need not wait for the next comparison.
  const TunnelKey::State state = parts_.tunnel.state();
  const bool is_news = !told_ || state == TunnelKey::State::absent || state == TunnelKey::State::shut;
  if (std::exchange(told_, state) != state && is_news) tell();
  exchange_->step();
}

void Peer::take(const Message& message) {
  heard_ = parts_.clock.now();
  const auto* state = std::get_if<StateMessage>(&message);
  if (state != nullptr && state->dials) asked_ = heard_;
  const auto* offer = std::get_if<RecoverMessage>(&message);
  if (offer == nullptr || role_ == Role::generator) return exchange_->take(message);
  offered_ = *offer;
  ask_before_going_on();
}

void Peer::wake() {
  if (role_ == Role::generator) return exchange_->wake();
  wakes_ = true;
  ask_before_going_on();
}

// A recoverer that set a key and could not say so would leave the ends apart, and the tunnel without a
// session from its next renewal on. That an offer came tells nothing of the way back.
void Peer::ask_before_going_on() {
  const PeerChannel& channel = parts_.channel;
  if (channel.dials() && (channel.reaches() || !channel.is_collected_from())) return tell();
  if (heard_lately()) go_on();
}

void Peer::go_on() {
  if (const auto offer = std::exchange(offered_, std::nullopt)) exchange_->take(*offer);
  if (std::exchange(wakes_, false)) exchange_->wake();
}

void Peer::step() {
  exchange_->step();
}

bool Peer::heard_lately() const {
  return heard_ != MonotonicTime() && parts_.clock.now() - heard_ < 3 * parts_.timings.compare;
}

void Peer::compare_if_needed() {
  const bool asked_by_other = role_ == Role::recoverer && asked_ != MonotonicTime() &&
                              parts_.clock.now() - asked_ < parts_.timings.compare * 3 / 2;
  // One that asks is answered and need not be asked; unless calling it failed: then messages would, too.
  const bool leaves_it_to_other =
      asked_by_other && !hurries() && channel_error_.empty() && parts_.channel.reaches();
  if (parts_.channel.dials() && !comparing_ && !leaves_it_to_other) tell();
}

// And asks in turn, if this end can.
void Peer::tell() {
  if (!parts_.channel.dials()) return parts_.channel.send(state(), [](const Result<void>& /*sent*/) {});
  compare_again_ = std::exchange(comparing_, true);
  if (compare_again_) return;
  parts_.channel.compare(state(),
                         guard_([this](const Result<StateMessage>& other) { take_comparison(other); }));
}

void Peer::take_comparison(const Result<StateMessage>& other) {
  comparing_ = false;
  const bool again = std::exchange(compare_again_, false);
  const bool is_news = !other && channel_error_ != other.error().message;
  channel_error_ = other ? "" : other.error().message;
  // What is wrong with the other adapter as a whole, its link tells once for all tunnels.
  if (is_news && other.error().kind == ErrorKind::not_found)
    log::warning("{}: {}", parts_.label, channel_error_);
  if (!other) {  // offers come again
    offered_.reset();
    wakes_ = false;
    return;
  }
  heard_ = parts_.clock.now();
  exchange_->take(*other);
  go_on();
  if (again) tell();
}

bool Peer::hurries() const {
  return !parts_.tunnel.active() || parts_.tunnel.session().state() == Session::down;
}

PeerReport Peer::report() const {
  const TunnelKey& tunnel = parts_.tunnel;
  const MonotonicTime now = parts_.clock.now();
  PeerReport report;
  report.role = role_;
  switch (tunnel.state()) {
    case TunnelKey::State::absent:
      report.state = "device missing";
      break;
    case TunnelKey::State::shut:
      report.state = "shut";
      break;
    case TunnelKey::State::initial:
      report.state = "initial key";
      break;
    case TunnelKey::State::held:
      report.state = "active";
      break;
  }
  report.active = tunnel.active();
  if (report.active) {
    report.key_age = tunnel.age();
    report.sources = tunnel.sources();
  }
  report.key_proven = tunnel.proven_by_handshake();
  report.session = name_of(tunnel.session().state());
  report.handshake_age = tunnel.session().age();
  if (const auto next = exchange_->next_rotation(); next && report.active)
    report.next_rotation = std::max<Duration>(*next - now, Duration::zero());
  report.adapter_reachable = heard_lately();
  report.last_error = exchange_->last_error();
  if (report.last_error.empty() || !report.adapter_reachable) {
    if (!channel_error_.empty()) report.last_error = channel_error_;
  }
  return report;
}

}  // namespace dske::wireguard
