// The bodies of PUT registration and of its answer (docs/protocol.md, section 4.1).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "dske/allocation.h"
#include "dske/message_authentication.h"
#include "dske/psrd_block.h"

namespace dske {

/// Where one block stands. `own` are the lowest positions of the sender's zones that it may still use, `seen`
/// the ends of the highest ranges of the receiver's zones that it has seen used.
struct BlockPositions {
  BlockId block;
  PerZone<std::uint64_t> own;
  PerZone<std::uint64_t> seen;
};

struct RegistrationRequest {
  ClientName client;
  std::uint64_t number = 0;
  std::vector<SaeId> sae_ids;
  Allocation polling_key;
  std::vector<BlockPositions> blocks;

  [[nodiscard]] SecretBytes write() const;
  [[nodiscard]] static Result<RegistrationRequest> parse(std::string_view text);
};

/// What a hub grants.
struct HubLimits {
  std::uint64_t share_bytes = 0;
  std::uint64_t lifetime_seconds = 0;
  std::uint64_t slaves = 0;
};

struct RegistrationAnswer {
  HubId hub_id;
  HubName hub_name;
  Epoch epoch;
  std::vector<SaeId> sae_ids;
  std::vector<SaeId> refused_sae_ids;
  HubLimits limits;
  std::vector<BlockPositions> blocks;
  std::vector<BlockId> unknown_blocks;

  [[nodiscard]] SecretBytes write() const;
  [[nodiscard]] static Result<RegistrationAnswer> parse(std::string_view text);
};

}  // namespace dske
