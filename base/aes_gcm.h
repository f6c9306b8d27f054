// AES-256-GCM (NIST SP 800-38D) under one key.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace dske {

/// Not thread-safe; the key's schedule is wiped on destruction. A nonce must never be used twice for sealing
/// under one key.
class AesGcm {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kNonceBytes = 12;
  static constexpr std::size_t kTagBytes = 16;
  using Nonce = std::array<std::uint8_t, kNonceBytes>;

  /// REQUIRES: `key` has kKeyBytes bytes.
  explicit AesGcm(ByteView key);
  ~AesGcm();
  AesGcm(AesGcm&& other) noexcept;
  AesGcm& operator=(AesGcm&& other) noexcept;
  AesGcm(const AesGcm&) = delete;
  AesGcm& operator=(const AesGcm&) = delete;

  /// Writes the ciphertext and, behind it, the tag. REQUIRES: `sealed` has kTagBytes bytes more than
  /// `plaintext`, and does not overlap it.
  void seal(const Nonce& nonce, ByteView associated, ByteView plaintext, MutableByteView sealed);
  /// Answers ErrorKind::corrupt, with `plaintext` wiped, if the tag does not verify. REQUIRES: sizes as in
  /// seal().
  [[nodiscard]] Result<void> open(const Nonce& nonce, ByteView associated, ByteView sealed,
                                  MutableByteView plaintext);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace dske
