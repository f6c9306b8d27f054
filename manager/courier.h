// The courier of a network on one host: carries PSRD files from hubs' psrd-out/CLIENT/ to KMEs' psrd-in/, in
// the place of whoever carries them between real ones.
#pragma once

#include "base/result.h"
#include "manager/management_client.h"
#include "manager/network.h"

namespace dske::manager {

/// Whether a client takes another block: when the scarcest zone that it shares with a hub has at most what
/// `high_mark_blocks` - 1 blocks of these sizes give. So an idle client, who has that many whole ones, takes
/// none.
[[nodiscard]] bool is_below_high_mark(const PsrdLevel& level, const PsrdSizes& sizes,
                                      std::int64_t high_mark_blocks);

/// Carries what is due now: for each KME of this host that answers, and has ingested what it was brought
/// before, at most one file of each hub of this host. A file moves in one step, so a courier that is killed
/// at any time loses none and doubles none.
void carry_what_is_due(const Network& network);

/// Carries until SIGTERM or SIGINT, in rounds. REQUIRES: the topology has a courier.
[[nodiscard]] Result<bool> run_courier(const Network& network);

}  // namespace dske::manager
