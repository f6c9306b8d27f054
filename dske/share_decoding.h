// Recovering a secret when some shares may be wrong, and naming the wrong ones.
//
// Shares of one secret are a word of a (generalized) Reed-Solomon code, one word per byte. Wrong ones are
// found by its syndromes, which depend on the errors alone and not on the secret, so the time taken tells
// nothing of the secret: it depends on which shares are wrong, by what, and on what the check says.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "dske/secret_sharing.h"

namespace dske {

struct CheckedSecret {
  SecretBytes secret;
  std::vector<std::uint8_t>
      wrong;  ///< the x of each point whose share is not that of `secret`, in the points' order
};

/// Whether a recovered secret is the right one, for example by its secret tag.
using SecretCheck = std::function<bool(ByteView secret)>;

/// Up to this many shares in all, every k of them are tried. (At most 12,870 times, when all 16 are there and
/// k is 8.)
inline constexpr std::size_t kMostSharesForEverySubset = 16;

/// The secret that passes `check`, of `points` some of which may be wrong: from the first k points, else by
/// error correction, which succeeds if at most floor((points - k) / 2) are wrong, else, if n <= 16, from any
/// k points, which succeeds if k are right. If all points agree with each other, or no more than k are there,
/// there is only one secret to check.
///
/// Errors: `invalid` for n or k out of range (2 <= k <= n <= 255), an x that is 0, beyond n or twice there,
/// shares that differ in size or are empty; `unavailable` for fewer than k points; `corrupt` if no secret
/// passes.
[[nodiscard]] Result<CheckedSecret> recover_checked(std::span<const SharePoint> points, std::size_t k,
                                                    std::size_t n, const SecretCheck& check);

}  // namespace dske
