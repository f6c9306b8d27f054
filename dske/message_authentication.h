// One-time authentication of messages between a client and a hub: the DSKE-Signature header and what its tag
// covers (docs/protocol.md, section 2).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/names.h"
#include "base/result.h"
#include "dske/allocation.h"
#include "dske/one_time_mac.h"

namespace dske {

/// 16 random bytes that a hub makes at each start; all zero in a registration, whose sender cannot know them.
using Epoch = UuidOf<struct EpochTag>;

inline constexpr std::string_view kSignatureHeader = "DSKE-Signature";

/// The header's value: where the one-time key lies, and the tag.
struct Signature {
  Allocation key;  ///< 32 bytes in all
  MacTag tag{};

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<Signature> parse(std::string_view text);
};

/// What a tag covers of a request. The views are not owned.
struct RequestParts {
  HubId hub;
  Epoch epoch;
  std::string_view method;
  std::string_view target;  ///< the path with its query, exactly as sent
  ByteView body;
};

/// And of an answer, beside its request.
struct AnswerParts {
  MacTag request_tag{};
  int status = 0;
  ByteView body;
};

/// The tag of a request under a one-time key of 32 bytes.
[[nodiscard]] MacTag request_tag(ByteView key, const RequestParts& request);
/// The tag of the answer to `request`, whose body does not matter here: its tag stands for it.
[[nodiscard]] MacTag answer_tag(ByteView key, const RequestParts& request, const AnswerParts& answer);

}  // namespace dske
