// The secret tag: what tells a rightly recovered secret from one that wrong shares, or a changed context,
// made.
//
// An algebraic manipulation detection code (Cramer, Dodis, Fehr, Padro, Wichs: "Detection of Algebraic
// Manipulation with Applications to Robust Secret Sharing and Fuzzy Extractors", EUROCRYPT 2008, section 4)
// with one-time masking:
//   tag = b + f(a, M),  f(a, M) = a^(d+2) + m_1 a + m_2 a^2 + ... + m_d a^d  in GF(2^128) as in GCM,
// M = context || secret. m_1..m_d are M's 16-byte blocks, the last one zero-padded, then one zero block if
// that is needed to make d odd, then a block with the length of M in bits, a big-endian number in its last 8
// bytes.
//
// (a, b) = u is uniformly random, fresh for each secret, and shared together with the secret; the tag is
// public. As b is unknown to whoever has fewer than k shares, the tag tells nothing of M; who adds errors to
// shares, changes the context or the tag, passes the check with probability at most (d + 1) / 2^128.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "dske/gf128.h"

namespace dske {

using SecretTag = std::array<std::uint8_t, 16>;

inline constexpr std::size_t kSecretTagRandomSize = 32;  ///< bytes of u: a, then b

/// The tag of `secret` in `context` under `u`. REQUIRES: u has 32 bytes (else the process ends). Constant
/// time for given sizes.
[[nodiscard]] SecretTag secret_tag(ByteView u, ByteView context, ByteView secret,
                                   ClmulPath path = fastest_clmul_path());

/// Whether `tag` is the tag of `secret` in `context` under `u`. Same requirement, constant time.
[[nodiscard]] bool verify_secret_tag(ByteView u, ByteView context, ByteView secret, const SecretTag& tag,
                                     ClmulPath path = fastest_clmul_path());

}  // namespace dske
