// Secret sharing byte by byte in GF(2^8) (Shamir, "How to share a secret", Communications of the ACM 22(11),
// 1979).
//
// Each byte of the secret is the value at x = 0 of its own random polynomial of degree k - 1; the share at x
// holds the polynomials' values there. Any k shares determine the secret, k - 1 shares are independent of it.
// Time depends on sizes, k, n and x coordinates, never on bytes of secrets or shares. Nothing here detects a
// wrong share: see dske/share_decoding.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "dske/gf256.h"

namespace dske {

inline constexpr std::size_t kMinSharesRequired = 2;
inline constexpr std::size_t kMaxShares = 255;  ///< as many as there are x coordinates other than 0

/// A share and where it lies. `share` is not owned.
struct SharePoint {
  std::uint8_t x = 0;
  ByteView share;
};

/// The `n` shares of `secret`, each of its size, of which any `k` recover it: element i is the share at x = i
/// + 1. Takes (k - 1) * secret.size() bytes from `randomness`. Error `invalid` unless 2 <= k <= n <= 255 and
/// the secret is not empty.
[[nodiscard]] Result<std::vector<SecretBytes>> split(ByteView secret, std::size_t k, std::size_t n,
                                                     Randomness& randomness, GfPath path = fastest_gf_path());

/// A secret and all of its shares.
struct SharedSecret {
  SecretBytes secret;
  std::vector<SecretBytes> shares;  ///< element i is the share at x = i + 1
};

/// The secret and its `n` shares, of which as many recover it as there are `points`, that have the given
/// shares at the points: nothing is drawn, the points determine all of it. With k points that are uniformly
/// random and independent, the outcome is distributed as that of split() with a random secret. Errors as
/// recover(), and `invalid` if an x is beyond `n`.
[[nodiscard]] Result<SharedSecret> complete(std::span<const SharePoint> points, std::size_t n,
                                            GfPath path = fastest_gf_path());

/// The secret of the polynomials through all `points`: pass exactly k of them. Error `invalid` unless there
/// are 2 to 255 points with distinct x other than 0 and with shares of one size, not empty.
[[nodiscard]] Result<SecretBytes> recover(std::span<const SharePoint> points,
                                          GfPath path = fastest_gf_path());

/// The share at `x` of the polynomials through all `points`, for example to compare it with what a hub sent.
/// At x = 0 that is the secret. Errors as recover().
[[nodiscard]] Result<SecretBytes> evaluate_at(std::span<const SharePoint> points, std::uint8_t x,
                                              GfPath path = fastest_gf_path());

}  // namespace dske
