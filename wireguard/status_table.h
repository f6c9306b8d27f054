// The daemon's report for a person.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace dske::wireguard {

/// One line per peer, under a heading. Peers of one SAE on one interface are shown with the beginning of
/// their public keys.
[[nodiscard]] Result<std::string> status_table(json::Value report);

}  // namespace dske::wireguard
