// What the adapter asks its helper for, over a socket pair of SOCK_SEQPACKET: one request, one answer, each
// one packet of bounded size. Both ends are processes of one machine and one program: numbers are in its byte
// order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "wireguard/device.h"

namespace dske::wireguard {

struct HelperRequest {
  enum class Operation : std::uint8_t { observe = 1, set_key = 2, replace = 3, set_keepalive = 4 };

  Operation operation = Operation::observe;
  std::string interface;
  PublicKey peer;                                  ///< unused by observe
  SecretBytes preshared_key;                       ///< 32 bytes, or for replace empty: the one that is set
  std::optional<std::uint16_t> keepalive_seconds;  ///< always with set_keepalive
};

inline constexpr std::size_t kHelperRequestBytesMost = 256;
inline constexpr std::size_t kHelperAnswerBytesMost = std::size_t{128} << 10;

[[nodiscard]] SecretBytes encode(const HelperRequest& request);
[[nodiscard]] Result<HelperRequest> decode_helper_request(ByteView packet);

/// Answers: an observation to observe, nothing to the others, or an error to any.
[[nodiscard]] Bytes encode(const Result<DeviceObservation>& answer);
[[nodiscard]] Bytes encode(const Result<void>& answer);
[[nodiscard]] Result<DeviceObservation> decode_observation(ByteView packet);
[[nodiscard]] Result<void> decode_done(ByteView packet);

}  // namespace dske::wireguard
