// The pending list: which bundles wait at a hub for a client (docs/protocol.md, section 4.7).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "dske/bundle_context.h"

namespace dske {

/// What a client asks: bundles that have come after `cursor`, which an earlier answer of the same epoch gave,
/// 0 for all; if there are none, the hub may wait so long for one.
struct PendingQuestion {
  /// The longest wait that a hub grants.
  static constexpr std::chrono::seconds kWaitMost{60};

  std::uint64_t cursor = 0;
  std::chrono::seconds wait{0};

  /// "after=CURSOR&wait=SECONDS".
  [[nodiscard]] std::string query() const;
  /// Either may be missing, and is 0 then; longer waits are cut to kWaitMost. Refuses all else.
  [[nodiscard]] static Result<PendingQuestion> parse(std::string_view query);
};

struct PendingList {
  static constexpr std::size_t kBundlesMost = 1000;

  std::vector<BundleName> bundles;  ///< at most kBundlesMost, oldest first
  bool more = false;                ///< further ones have come after `cursor`
  std::uint64_t cursor = 0;         ///< for the next question

  [[nodiscard]] SecretBytes write() const;
  [[nodiscard]] static Result<PendingList> parse(std::string_view body);
};

}  // namespace dske
