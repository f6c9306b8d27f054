// One-time authentication: Poly1305 (RFC 8439, section 2.5) under a key that is used for one message and
// never again, a Wegman-Carter authenticator. A forgery for a message of L bytes succeeds with probability at
// most 8 * ceil(L/16) / 2^106 per attempt (Bernstein, "The Poly1305-AES message-authentication code", FSE
// 2005, theorem 3.3), whatever the attacker can compute.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include <openssl/types.h>

#include "base/bytes.h"

namespace dske {

inline constexpr std::size_t kOneTimeMacKeySize = 32;

using MacTag = std::array<std::uint8_t, 16>;

/// Computes one tag over bytes given piece by piece. Compare tags with constant_time_equal. Not thread-safe.
/// The process ends if OpenSSL fails: it has no memory, or no Poly1305.
class OneTimeMac {
 public:
  /// Takes a copy of the key, wiped with the object. REQUIRES: 32 bytes (else the process ends), of a key
  /// never used for another message.
  explicit OneTimeMac(ByteView key);

  /// Adds bytes as they are. REQUIRES: finish() was not called.
  void update(ByteView bytes);

  /// Adds an item of a list, so that its borders cannot be moved: its length in bytes as an 8-byte big-endian
  /// number, then its bytes.
  void update_item(ByteView item);

  /// The tag. Ends the use of the object.
  [[nodiscard]] MacTag finish();

 private:
  struct WipeAndFree {
    void operator()(evp_mac_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_mac_ctx_st, WipeAndFree> context_;
};

}  // namespace dske
