// Authentication of the pending list: HMAC-SHA-256 under a key taken from PSRD at registration, so that
// asking all the time does not eat the pool (docs/protocol.md, section 4.7).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/names.h"
#include "dske/message_authentication.h"

namespace dske {

inline constexpr std::string_view kPollingHeader = "DSKE-Polling";
inline constexpr std::size_t kPollingKeyBytes = 32;

using PollingTag = std::array<std::uint8_t, 32>;

/// Which request of which registration.
struct PollingNumbers {
  ClientName client;
  std::uint64_t registration = 0;
  std::uint64_t counter = 0;
};

/// The request header's value, CLIENT;REGISTRATION;COUNTER;BASE64HMAC.
struct PollingRequest {
  PollingNumbers numbers;
  PollingTag tag{};

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<PollingRequest> parse(std::string_view text);
};

/// The answer header's value, COUNTER;BASE64HMAC.
struct PollingAnswer {
  std::uint64_t counter = 0;
  PollingTag tag{};

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<PollingAnswer> parse(std::string_view text);
};

[[nodiscard]] PollingTag polling_request_tag(ByteView key, const RequestParts& request,
                                             const PollingNumbers& numbers);
[[nodiscard]] PollingTag polling_answer_tag(ByteView key, const RequestParts& request,
                                            const PollingNumbers& numbers, const PollingTag& request_tag,
                                            int status, ByteView body);

}  // namespace dske
