// The way of one share through a hub, many times: what an initiator posts, the responder fetches and
// confirms.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/hub_client.h"
#include "bench/latency.h"

namespace dske::bench {

/// Latencies of `count` rounds, one after the other.
struct ShareRounds {
  std::vector<Latency> post;
  std::vector<Latency> fetch;
  std::vector<Latency> confirm;
  std::vector<Latency> whole;
};

struct ShareRoundsSettings {
  HubClient& initiator;
  HubClient& responder;  ///< on the same loop
  SaeId master;          ///< bound to the initiator
  SaeId slave;           ///< bound to the responder
  std::uint32_t rounds = 1000;
};

/// Every share that is fetched is compared with what was posted. Waits until all rounds are over, or one has
/// failed.
[[nodiscard]] Result<ShareRounds> run_share_rounds(const ShareRoundsSettings& settings, EventLoop& loop);

}  // namespace dske::bench
