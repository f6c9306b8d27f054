// How many TLS handshakes begin per second, in all and from one address.
#pragma once

#include <string>

#include "base/rate_limiter.h"
#include "http/server.h"

namespace dske::http {

/// Thread-safe. Addresses are as limited_address() of http/peer_address.h gives them.
class HandshakeLimits {
 public:
  explicit HandshakeLimits(const ServerLimits& limits)
      : patience_(limits.handshake_timeout / 2),
        from_address_(limits.handshakes_per_second_per_address),
        in_all_(limits.handshakes_per_second) {}

  /// When a handshake may begin whose first bytes have come: now or within half of the handshake timeout, or
  /// never. Under a lasting flood every turn comes as late as may be waited for, so the rest of the time has
  /// to be enough for the handshake itself.
  [[nodiscard]] std::optional<RateLimiter::Time> reserve(const std::string& address, RateLimiter::Time now) {
    const auto its_turn = from_address_.reserve(address, now, patience_);
    if (!its_turn) return std::nullopt;
    const auto turn = in_all_.reserve({}, now, patience_);
    if (!turn) return std::nullopt;
    return std::max(*its_turn, *turn);
  }

 private:
  const RateLimiter::Duration patience_;
  RateLimiter from_address_;
  RateLimiter in_all_;
};

}  // namespace dske::http
