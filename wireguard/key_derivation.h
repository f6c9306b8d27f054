// How a WireGuard pre-shared key is made of what the two ends share (docs/wireguard.md, "Derivation").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "wireguard/public_key.h"

namespace dske::wireguard {

/// What may go into a key, in the order in which it does.
enum class Source : std::uint8_t {
  dske = 1,      ///< a key that both KMEs delivered
  tls = 2,       ///< exported from a TLS connection between the two adapters (RFC 8446, 7.5)
  file = 3,      ///< the contents of a file that something else keeps equal at both ends
  previous = 4,  ///< the chain key of the key before: the ratchet
};

[[nodiscard]] std::string_view name_of(Source source);
[[nodiscard]] std::optional<Source> source_named(std::string_view name);
/// "dske, tls", for a person.
[[nodiscard]] std::string names_of(const std::vector<Source>& sources);

struct Ingredient {
  Source source = Source::dske;
  SecretBytes secret;
};

/// What both ends bind a key to.
struct DerivationContext {
  KeyId key;
  PublicKey generator;
  PublicKey recoverer;
};

struct DerivedKeys {
  SecretBytes preshared_key;  ///< 32 bytes, for WireGuard
  SecretBytes confirmation;   ///< 32 bytes, under which the ends prove to each other that they hold the key
  SecretBytes chain;          ///< 32 bytes, which the next key may take in
};

/// HKDF-SHA-256 (RFC 5869). The ingredients are at least one, each non-empty and at most 65535 bytes, in the
/// order of Source with none twice: a bug otherwise.
[[nodiscard]] DerivedKeys derive_keys(const DerivationContext& context,
                                      const std::vector<Ingredient>& ingredients);

using Proof = std::array<std::uint8_t, 32>;

/// HMAC-SHA-256 under the confirmation key: that `role` holds the key of this ID.
[[nodiscard]] Proof prove(const SecretBytes& confirmation, Role role, const KeyId& key);
/// In constant time.
[[nodiscard]] bool proves(const Proof& proof, const SecretBytes& confirmation, Role role, const KeyId& key);

/// Tells two contents of the secret file apart without telling them: 16 bytes of HMAC-SHA-256 under a key
/// derived from the contents, over the key ID.
using FileTag = std::array<std::uint8_t, 16>;
[[nodiscard]] FileTag file_tag(const SecretBytes& contents, const KeyId& key);

/// Tells pre-shared keys apart without telling them, for the record of own keys and the helper's answers.
/// SHA-256 over a label and the 32 random bytes: nothing is gained from it but by trying 2^256 keys.
using Fingerprint = std::array<std::uint8_t, 32>;
[[nodiscard]] Fingerprint fingerprint_of(ByteView preshared_key);

}  // namespace dske::wireguard
