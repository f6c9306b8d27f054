// WireGuard public keys, and what follows from comparing two of them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace dske::wireguard {

/// A Curve25519 public key: 32 bytes, ordered as such. Their base64 texts order differently for a third of
/// all pairs.
class PublicKey {
 public:
  static constexpr std::size_t kBytes = 32;

  PublicKey() = default;
  explicit PublicKey(const std::array<std::uint8_t, kBytes>& bytes) : bytes_(bytes) {}

  /// The base64 text that WireGuard's tools print.
  [[nodiscard]] static Result<PublicKey> parse(std::string_view base64);
  /// Exactly 32 bytes.
  [[nodiscard]] static Result<PublicKey> from_bytes(ByteView bytes);

  [[nodiscard]] const std::array<std::uint8_t, kBytes>& bytes() const { return bytes_; }
  [[nodiscard]] std::string text() const;  ///< base64
  [[nodiscard]] std::string hex() const;   ///< lower case, fit for file names

  auto operator<=>(const PublicKey&) const = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

/// Who asks its KME for new keys: the end with the lower public key. The other fetches them by their IDs.
enum class Role { generator, recoverer };

/// The role of `own` towards `peer`. Both ends come to opposite answers without a message.
[[nodiscard]] inline Role role_of(const PublicKey& own, const PublicKey& peer) {
  return own < peer ? Role::generator : Role::recoverer;
}

}  // namespace dske::wireguard
