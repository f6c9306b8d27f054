// What the two roles of the key exchange have around them, as interfaces, and what both do with ingredients.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/names.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "wireguard/messages.h"
#include "wireguard/split_trust.h"
#include "wireguard/timings.h"
#include "wireguard/tunnel_key.h"

namespace dske::wireguard {

struct DeliveredKey {
  KeyId id;
  SecretBytes value;  ///< 32 bytes
};

/// The local KME (ETSI GS QKD 014), asked as this end's SAE about keys with the peer's. Only on the loop.
class KeySource {
 public:
  using Done = UniqueFunction<void(Result<DeliveredKey>)>;
  virtual ~KeySource() = default;
  /// Get key.
  virtual void new_key(const SaeId& peer, Done done) = 0;
  /// Get key with key IDs. Asked which one when its turn comes, since that may take long: a key that nobody
  /// wants by then is not fetched. ErrorKind::not_found if it is none, or the KME does not have it.
  using Which = std::function<std::optional<KeyId>()>;
  virtual void key_of(const SaeId& peer, Which which, Done done) = 0;
};

struct TlsSecret {
  TlsSecretId id{};
  SecretBytes secret;  ///< 32 bytes
};

/// The way to the other end's adapter, for one tunnel. Only on the loop.
class PeerChannel {
 public:
  using Sent = UniqueFunction<void(Result<void>)>;
  using Compared = UniqueFunction<void(Result<StateMessage>)>;
  virtual ~PeerChannel() = default;
  /// `sent` tells whether the other end has got it, as far as that shows. A newer message of the kind takes
  /// the place of one that still waits: then the earlier `sent` is not called.
  virtual void send(Message message, Sent sent) = 0;
  /// Whether this end can open a connection; otherwise the other end asks, and gets what is to be sent.
  [[nodiscard]] virtual bool dials() const = 0;
  /// Whether it does, as far as is known.
  [[nodiscard]] virtual bool reaches() const = 0;
  /// Whether the other end has called, and collects from here what this end does not send by itself.
  [[nodiscard]] virtual bool is_collected_from() const = 0;
  /// Tells this end's state and asks for the other's. Only if dials(), and one at a time.
  virtual void compare(const StateMessage& own, Compared compared) = 0;
  /// Of the newest connection that has carried something, if any.
  [[nodiscard]] virtual std::optional<TlsSecret> tls_secret() const = 0;
  [[nodiscard]] virtual std::optional<TlsSecret> tls_secret(const TlsSecretId& id) const = 0;
};

/// The secret file of a tunnel: what it holds, and what it held before.
class SecretFile {
 public:
  virtual ~SecretFile() = default;
  /// What it holds now, or why that cannot be used.
  [[nodiscard]] virtual Result<SecretBytes> current() = 0;
  /// Its contents, now or before, with this tag; empty if there are none.
  [[nodiscard]] virtual SecretBytes tagged(const FileTag& tag, const KeyId& key) = 0;
};

/// The last key that this end agreed on, as far as it is kept in memory.
struct LastKeys {
  std::optional<KeyId> id;
  SecretBytes confirmation;
  SecretBytes chain;
};

struct ExchangeParts {
  std::string label;  ///< of the tunnel, for the log
  SaeId peer_sae;
  PublicKey own_key;
  PublicKey peer_key;
  SplitTrust trust;
  Timings timings;
  EventLoop& loop;
  const Clock& clock;
  Randomness& randomness;
  KeySource& keys;
  PeerChannel& channel;
  SecretFile& file;
  TunnelKey& tunnel;
};

/// How this end stands, for the other.
[[nodiscard]] inline StateMessage state_of(const TunnelKey& tunnel) {
  return {tunnel.active(), tunnel.session().state(), tunnel.endpoint_known(), true};
}

/// One role of the exchange. Only on the loop.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// A message that came from the other end's adapter; one that is not for this role is ignored.
  virtual void take(const Message& message) = 0;
  /// To be called every second, and whenever something has changed.
  virtual void step() = 0;
  /// Keys may be there again: what waits for them need not wait longer.
  virtual void wake() = 0;
  /// When the next key is due.
  [[nodiscard]] virtual std::optional<MonotonicTime> next_rotation() const = 0;
  /// What went wrong last, until it goes right; empty if nothing did.
  [[nodiscard]] virtual std::string last_error() const = 0;
};

}  // namespace dske::wireguard
