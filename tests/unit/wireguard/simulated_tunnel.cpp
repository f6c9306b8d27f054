#include "simulated_tunnel.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "base/log.h"

namespace dske::wireguard::test {
namespace {

constexpr auto kTick = 100ms;
constexpr auto kHandshakeRetry = 5s;

PublicKey public_key(std::size_t index) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[0] = index == 0 ? 0x10 : 0xf0;
  return PublicKey(bytes);
}

class Kme final : public KeySource {
 public:
  explicit Kme(End& end) : end_(end) {}

  void new_key(const SaeId& /*peer*/, Done done) override {
    auto& world = end_.world;
    world.loop.after(20ms, [&end = end_, &world, done = std::move(done)]() mutable {
      if (!end.kme_up) return done(Error{ErrorKind::unavailable, "too few hubs"});
      const KeyId id = KeyId::random(world.randomness);
      world.kme_keys[id] = world.randomness.data(32);
      ++world.keys_taken;
      done(DeliveredKey{id, value(end, id)});
    });
  }
  void key_of(const SaeId& /*peer*/, Which which, Done done) override {
    const auto wanted = which();
    if (!wanted) return done(Error{ErrorKind::not_found, "no key is wanted"});
    end_.world.loop.after(20ms, [&end = end_, id = *wanted, done = std::move(done)]() mutable {
      if (!end.kme_up) return done(Error{ErrorKind::unavailable, "too few hubs"});
      if (!end.world.kme_keys.contains(id)) return done(Error{ErrorKind::not_found, "no such key"});
      DeliveredKey key{id, value(end, id)};
      end.world.kme_keys.erase(id);  // it is delivered once
      done(std::move(key));
    });
  }

 private:
  static SecretBytes value(End& end, const KeyId& id) {
    SecretBytes key = SecretBytes::copy_of(end.world.kme_keys[id]);
    if (end.kme_lies) key.span()[0] ^= 1U;
    return key;
  }
  End& end_;
};

class Device final : public PeerDevice {
 public:
  explicit Device(End& end) : end_(end) {}

  void set_key(SecretBytes key, Done done) override {
    change(std::move(done), [&end = end_, key = std::make_shared<SecretBytes>(std::move(key))] {
      end.psk.assign(key->view().begin(), key->view().end());
    });
  }
  void replace(SecretBytes key, std::optional<std::uint16_t> keepalive, Done done) override {
    change(std::move(done), [&end = end_, keepalive, key = std::make_shared<SecretBytes>(std::move(key))] {
      if (!key->empty()) end.psk.assign(key->view().begin(), key->view().end());
      if (keepalive) end.keepalive = *keepalive;
      end.last_handshake.reset();
      end.sent_bytes = 0;
      end.begins_alone = keepalive.has_value();
      ++end.replaced;
      end.world.end_session();
    });
  }
  void set_keepalive(std::uint16_t seconds, Done done) override {
    change(std::move(done), [&end = end_, seconds] { end.keepalive = seconds; });
  }

 private:
  void change(Done done, std::function<void()> action) {
    end_.world.loop.after(2ms, [&end = end_, done = std::move(done), action = std::move(action)]() mutable {
      if (!end.exists) return done(Error{ErrorKind::not_found, "no such device"});
      action();
      done({});
    });
  }
  End& end_;
};

// A secret per pair of processes stands for the connection's.
TlsSecret secret_of(const TlsSecretId& id) {
  SecretBytes secret(32);
  std::copy(id.begin(), id.end(), secret.data());
  return {id, std::move(secret)};
}

class Channel final : public PeerChannel {
 public:
  explicit Channel(End& end) : end_(end) {}

  [[nodiscard]] End& other() const { return end_.world.ends[1 - end_.index]; }

  void send(Message message, Sent sent) override {
    if (end_.loses_confirmations && std::holds_alternative<ConfirmMessage>(message)) return;
    if (!end_.dials) {
      end_.to_collect.push_back(std::move(message));
      return sent({});
    }
    call([this, message = std::move(message), sent = std::move(sent)](bool arrived) mutable {
      if (!arrived) return sent(Error{ErrorKind::unavailable, "connection refused"});
      const auto* offer = std::get_if<RecoverMessage>(&message);
      if (offer != nullptr && other().refuses) {
        // And hurries on what this end does next.
        end_.world.loop.after(end_.world.delay,
                              guard_([this, refusal = RefuseMessage{offer->key, *other().refuses, ""}] {
                                end_.peer->take(refusal);
                                end_.peer->take(StateMessage{});
                              }));
        return sent({});
      }
      other().peer->take(message);
      sent({});
    });
  }
  [[nodiscard]] bool dials() const override { return end_.dials; }
  [[nodiscard]] bool reaches() const override { return end_.dials && reached; }
  [[nodiscard]] bool is_collected_from() const override { return !end_.dials; }
  void compare(const StateMessage& own, Compared compared) override {
    call([this, own, compared = std::move(compared)](bool arrived) mutable {
      if (!arrived) return compared(Error{ErrorKind::unavailable, "connection refused"});
      other().peer->take(own);
      compared(other().peer->state());
    });
  }
  [[nodiscard]] std::optional<TlsSecret> tls_secret() const override {
    if (end_.tls_known.empty()) return std::nullopt;
    return secret_of(end_.tls_known.back());
  }
  [[nodiscard]] std::optional<TlsSecret> tls_secret(const TlsSecretId& id) const override {
    if (std::find(end_.tls_known.begin(), end_.tls_known.end(), id) == end_.tls_known.end())
      return std::nullopt;
    return secret_of(id);
  }
  bool reached = false;  // at the last attempt
  // What the other end could not send by itself.
  void collect() {
    if (!end_.dials || !end_.world.channel_up || !end_.running()) return;
    for (Message& message : std::exchange(other().to_collect, {})) end_.peer->take(message);
  }

 private:
  template <class F>
  void call(F done) {
    end_.world.loop.after(end_.world.delay, guard_([this, done = std::move(done)]() mutable {
                            const bool arrives = end_.world.channel_up && !end_.cannot_call &&
                                                 other().running() && end_.running();
                            reached = arrives;
                            if (arrives) connect();
                            done(arrives);
                          }));
  }
  // Both ends know this connection from now on.
  void connect() {
    if (connected_to_ == other().adapter.get()) return;
    connected_to_ = other().adapter.get();
    TlsSecretId id{};
    end_.world.randomness.fill(id);
    end_.tls_known.push_back(id);
    other().tls_known.push_back(id);
  }
  End& end_;
  const void* connected_to_ = nullptr;
  Guard guard_;
};

}  // namespace

struct End::Adapter {
  explicit Adapter(End& end)
      : kme(end),
        device(end),
        channel(end),
        tunnel({"peer " + std::to_string(end.index), end.keep_initial_key, end.timings},
               {device, end.record, end.clock, end.world.randomness}),
        peer({"peer " + std::to_string(end.index), *SaeId::parse("other"), public_key(end.index),
              public_key(1 - end.index), end.trust, end.timings, end.world.loop, end.clock,
              end.world.randomness, kme, channel, end.file, tunnel}),
        end_(end) {
    observe();
    collect();
    step();
    compare();
  }

  void observe() {
    std::optional<PeerObservation> seen;
    if (end_.exists) {
      seen = PeerObservation{fingerprint_of(end_.psk), std::nullopt, end_.sent_bytes, end_.endpoint_known,
                             end_.keepalive};
      seen->last_handshake = end_.last_handshake;
    }
    peer.see(seen);
    end_.world.loop.after(peer.hurries() ? Duration(1s) : end_.timings.observe, guard([this] { observe(); }));
  }
  void collect() {
    channel.collect();
    end_.world.loop.after(50ms, guard([this] { collect(); }));
  }
  void step() {
    peer.step();
    end_.world.loop.after(spread(1s, end_.world.randomness), guard([this] { step(); }));
  }
  void compare() {
    peer.compare_if_needed();
    const Duration wait = channel.reached ? end_.timings.compare : Duration(1s);
    end_.world.loop.after(spread(wait, end_.world.randomness), guard([this] { compare(); }));
  }

  Guard guard;
  Kme kme;
  Device device;
  Channel channel;
  TunnelKey tunnel;
  Peer peer;

 private:
  End& end_;
};

End::End(World& in, std::size_t number) : world(in), index(number), clock(in.clock) {}

void End::start() {
  adapter = std::make_unique<Adapter>(*this);
  peer = &adapter->peer;
  tunnel = &adapter->tunnel;
}

void End::crash() {
  peer = nullptr;
  tunnel = nullptr;
  adapter.reset();
  tls_known.clear();
  to_collect.clear();
}

void End::make_device_anew() {
  psk = Bytes(32);
  last_handshake.reset();
  sent_bytes = 0;
  exists = true;
  world.end_session();
}

World::World(std::uint32_t seed) : loop(clock, seed), randomness(seed), ends{End{*this, 0}, End{*this, 1}} {
  log::set_level(log::Level::error);
  tick();
}

World::~World() {
  loop.drop_all();
}

bool World::keys_match() const {
  return ends[0].exists && ends[1].exists && ends[0].psk == ends[1].psk;
}

std::optional<Duration> World::session_age() const {
  if (!session_) return std::nullopt;
  return clock.now() - *session_;
}

bool World::up() const {
  return session_ && keys_match() && ends[0].running() && ends[1].running() && ends[0].tunnel->active() &&
         ends[0].tunnel->active() == ends[1].tunnel->active();
}

void World::establish() {
  session_ = clock.now();
  ++handshakes;
  for (End& end : ends) {
    end.last_handshake = std::chrono::floor<std::chrono::seconds>(end.clock.wall());
    end.begins_alone = false;
  }
}

void World::try_handshake() {
  const bool one_alone = ends[0].begins_alone != ends[1].begins_alone;
  // Renewing a session is one end's business; making one is, under traffic from both, nobody's.
  if (keys_match() && (session_ || one_alone)) establish();
  next_try_ = clock.now() + kHandshakeRetry;
}

void World::tick() {
  const MonotonicTime now = clock.now();
  if (session_ && now - *session_ > 180s) session_.reset();
  if (session_) oldest_session = std::max<Duration>(oldest_session, now - *session_);
  const bool begun = ends[0].begins_alone || ends[1].begins_alone;
  const bool wanted = traffic || begun;
  if (wanted && (!session_ || now - *session_ >= 120s) && (now >= next_try_ || (begun && keys_match()))) {
    try_handshake();
    if (!session_) {
      for (End& end : ends) end.sent_bytes += 148;
    }
  }
  if (traffic) {
    if (session_) {
      for (End& end : ends) end.sent_bytes += 1000;
    } else {
      ++lost;
    }
  }
  loop.after(kTick, [this] { tick(); });
}

void bring_up(World& world) {
  world.start();
  REQUIRE(world.up_within(3s));
  world.lost = 0;
  world.oldest_session = {};
}

}  // namespace dske::wireguard::test
