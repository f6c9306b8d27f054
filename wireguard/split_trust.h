// Which sources a key must be made of: so that who breaks one of them has not broken the tunnel.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wireguard/key_derivation.h"

namespace dske::wireguard {

/// What a key must have in it, of the sources that are configured. DSKE always is.
enum class Require {
  all,   ///< every one of them
  dske,  ///< DSKE at least; others when they can be had
  any,   ///< at least one, as many as can be had
};

struct SplitTrust {
  Require require = Require::all;
  bool tls = false;
  std::string secret_file;  ///< empty: none
  bool ratchet = false;     ///< takes the previous key in whenever both ends hold it; never required

  bool operator==(const SplitTrust&) const = default;
  [[nodiscard]] bool uses_file() const { return !secret_file.empty(); }
};

[[nodiscard]] Result<Require> parse_require(std::string_view text);

/// Why a key made of these sources must not be used; empty if it may. Both ends ask.
[[nodiscard]] std::string refusal_of(const SplitTrust& trust, const std::vector<Source>& sources);

}  // namespace dske::wireguard
