#include "wireguard/peer.h"

#include "base/log.h"
#include "wireguard/generator.h"
#include "wireguard/recoverer.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::milliseconds kFirstReconnect{500};

std::unique_ptr<Exchange> make_exchange(Role role, const ExchangeParts& parts) {
  if (role == Role::generator) return std::make_unique<Generator>(parts);
  return std::make_unique<Recoverer>(parts);
}

}  // namespace

Peer::Peer(ExchangeParts parts)
    : parts_(std::move(parts)),
      role_(role_of(parts_.own_key, parts_.peer_key)),
      exchange_(make_exchange(role_, parts_)),
      reconnect_(kFirstReconnect, parts_.timings.compare, parts_.randomness) {
  tick();
}

Peer::~Peer() {
  parts_.loop.cancel(timer_);
}

void Peer::see(const std::optional<PeerObservation>& peer) {
  parts_.tunnel.see(peer);
  // A gate that has just shut is told at once: the other end need not wait for the next comparison.
  const bool shut = parts_.tunnel.state() == TunnelKey::State::shut;
  if (shut && !std::exchange(was_shut_, shut)) compare_at_ = parts_.clock.now();
  was_shut_ = shut;
  exchange_->step();
}

void Peer::take(const Message& message) {
  heard_ = parts_.clock.now();
  if (std::holds_alternative<StateMessage>(message)) asked_ = heard_;
  exchange_->take(message);
}

void Peer::wake() {
  exchange_->wake();
}

bool Peer::heard_lately() const {
  return heard_ != MonotonicTime() && parts_.clock.now() - heard_ < 3 * parts_.timings.compare;
}

void Peer::tick() {
  const MonotonicTime now = parts_.clock.now();
  exchange_->step();
  const bool asked_by_other =
      role_ == Role::recoverer && asked_ != MonotonicTime() && now - asked_ < parts_.timings.compare * 3 / 2;
  // One that asks is answered and need not be asked; unless calling it failed: then messages would, too.
  const bool leaves_it_to_other = asked_by_other && !hurries() && channel_error_.empty();
  if (parts_.channel.dials() && !comparing_ && now >= compare_at_ && !leaves_it_to_other) compare();
  // Spread, so that the ticks of many peers do not fall together.
  timer_ = parts_.loop.after(spread(kTick, parts_.randomness), guard_([this] { tick(); }));
}

void Peer::compare() {
  comparing_ = true;
  parts_.channel.compare(state(), guard_([this](Result<StateMessage> other) {
                           comparing_ = false;
                           if (!other) {
                             if (channel_error_ != other.error().message)
                               log::warning("{}: {}", parts_.label, other.error().message);
                             channel_error_ = other.error().message;
                             compare_at_ = parts_.clock.now() + reconnect_.next();
                             return;
                           }
                           if (!channel_error_.empty())
                             log::info("{}: the other end's adapter answers again", parts_.label);
                           channel_error_.clear();
                           reconnect_.reset();
                           compare_at_ =
                               parts_.clock.now() + spread(parts_.timings.compare, parts_.randomness);
                           heard_ = parts_.clock.now();
                           exchange_->take(*other);
                         }));
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
  if (report.active) report.key_age = tunnel.age();
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
