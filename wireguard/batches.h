// What one adapter says to another of many tunnels at once (openapi/wireguard.yaml): bodies of requests and
// answers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wireguard/messages.h"

namespace dske::wireguard {

/// Names an adapter from its start to its end, at random: one SAE may have several.
using AdapterId = std::array<std::uint8_t, 16>;

/// In one body; more follow in the next.
inline constexpr std::size_t kBatchMost = 256;
/// What that many messages may take.
inline constexpr std::size_t kBatchBytesMost = std::size_t{512} << 10;

/// The body of a POST: messages of one kind, one at least.
struct Batch {
  AdapterId sender{};
  std::vector<LinkedMessage> messages;
};
[[nodiscard]] std::string to_json(const Batch& batch);
/// All of it, or the first thing that is wrong with it.
[[nodiscard]] Result<Batch> parse_batch(std::string_view kind, std::string_view json);

/// The answer to a POST.
struct BatchAnswer {
  std::vector<LinkedMessage> states;  ///< of the tunnels whose states were told
  std::vector<Link> unknown;  ///< not known to the end that answers at present, as the caller sees them
};
[[nodiscard]] std::string to_json(const BatchAnswer& answer);
[[nodiscard]] Result<BatchAnswer> parse_batch_answer(std::string_view json);

/// Messages of any kind, which an end that cannot open connections has to say.
[[nodiscard]] std::string collected_to_json(const std::vector<LinkedMessage>& messages);
/// Those that are not messages are left out.
[[nodiscard]] Result<std::vector<LinkedMessage>> parse_collected(std::string_view json);

}  // namespace dske::wireguard
