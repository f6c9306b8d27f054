// Encryption at rest under a long-lived key: seals secrets before they are written to disk.
#pragma once

#include <array>
#include <cstdint>

#include "base/aes_gcm.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske {

/// XAES-256-GCM (the C2SP specification of that name): AES-256-GCM under a key that is derived from a random
/// nonce of 192 bits, so that any number of secrets may be sealed under one key. Thread-safe.
class Sealer {
 public:
  static constexpr std::size_t kKeyBytes = AesGcm::kKeyBytes;
  static constexpr std::size_t kNonceBytes = 24;
  /// How much longer the sealed form is.
  static constexpr std::size_t kOverheadBytes = kNonceBytes + AesGcm::kTagBytes;
  using Nonce = std::array<std::uint8_t, kNonceBytes>;

  /// REQUIRES: `key` has kKeyBytes bytes.
  explicit Sealer(SecretBytes key);

  /// The nonce, the ciphertext and the tag. `associated` says what the secret is and where it belongs; it is
  /// authenticated, not part of the answer.
  [[nodiscard]] Bytes seal(ByteView plaintext, ByteView associated) const;
  /// ErrorKind::corrupt unless `sealed` was sealed under this key with the same `associated`.
  [[nodiscard]] Result<SecretBytes> open(ByteView sealed, ByteView associated) const;

  /// With a given nonce, for test vectors. A nonce must never be used twice.
  [[nodiscard]] Bytes seal_with(const Nonce& nonce, ByteView plaintext, ByteView associated) const;

 private:
  [[nodiscard]] AesGcm derive(const Nonce& nonce) const;

  SecretBytes key_;
};

}  // namespace dske
