// What two adapters say to each other about one tunnel (openapi/wireguard.yaml). No key is ever in it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/names.h"
#include "base/result.h"
#include "wireguard/key_derivation.h"
#include "wireguard/public_key.h"
#include "wireguard/session.h"

namespace dske::wireguard {

/// Names a TLS connection's exported secret without telling it.
using TlsSecretId = std::array<std::uint8_t, 16>;

/// The tunnel, as the sender of a message sees it.
struct Link {
  PublicKey from;  ///< the sender's end
  PublicKey to;
  auto operator<=>(const Link&) const = default;
  /// As the other end sees it.
  [[nodiscard]] Link reversed() const { return {to, from}; }
};

/// How one end stands. Exchanged on connecting and every few seconds.
struct StateMessage {
  std::optional<KeyId> active;
  Session session = Session::down;
  bool endpoint_known = false;  ///< it could begin a handshake
  bool dials = true;  ///< it reaches the other end by itself; otherwise what it has to say is collected
  bool operator==(const StateMessage&) const = default;
};

/// Generator to recoverer: this key is ready.
struct RecoverMessage {
  KeyId key;
  std::vector<Source> sources;     ///< ascending
  std::optional<TlsSecretId> tls;  ///< which connection's, with Source::tls
  std::optional<FileTag> file;     ///< with Source::file
  std::optional<KeyId> previous;   ///< whose chain key, with Source::previous
  Proof proof{};                   ///< that the generator holds it
};

/// Recoverer to generator: it holds the key, and has set it.
struct ConfirmMessage {
  KeyId key;
  Proof proof{};
  StateMessage state;
};

enum class Refusal {
  no_key,    ///< the KME does not deliver it at present
  proof,     ///< the two ends derive different keys
  tls,       ///< the connection's secret is not known
  file,      ///< the secret files differ
  previous,  ///< the chain key is not known
  policy,    ///< the mode of this end requires other sources
  device,    ///< the key cannot be set here
  key_gone,  ///< the KME has no such key, or has delivered it before: another one is needed
};

/// Recoverer to generator: it did not set the key.
struct RefuseMessage {
  KeyId key;
  Refusal reason = Refusal::no_key;
  std::string detail;  ///< for the operator
};

/// Generator to recoverer: it has set the key too.
struct AppliedMessage {
  KeyId key;
  bool open = false;  ///< the recoverer is to begin the handshake
};

using Message = std::variant<StateMessage, RecoverMessage, ConfirmMessage, RefuseMessage, AppliedMessage>;

[[nodiscard]] std::string_view name_of(Refusal refusal);

/// Of the path that takes it and, by Message's order, its number: "state", "recover", "confirm", "refuse",
/// "applied".
inline constexpr std::array<std::string_view, 5> kMessageKinds{"state", "recover", "confirm", "refuse",
                                                               "applied"};
[[nodiscard]] inline std::string_view kind_of(const Message& message) {
  return kMessageKinds[message.index()];
}

struct LinkedMessage {
  Link link;
  Message message;
};
/// Strict as to what it knows, and deaf to members that a later version may add.
[[nodiscard]] Result<LinkedMessage> read_message(std::string_view kind, json::Value value);
void write_message(json::Writer& writer, const LinkedMessage& message);

}  // namespace dske::wireguard
