// Leaves PSRD for the other SAEs of a KME: none of them may use up alone what all live on.
#pragma once

#include <cstdint>
#include <map>

#include "base/clock.h"
#include "base/names.h"

namespace dske::kme {

/// What a key request takes of the PSRD with each hub, or what there is of it.
struct PsrdAmount {
  std::uint64_t pad_bytes = 0;
  std::uint64_t messages = 0;  ///< each takes one authenticator
};

/// An SAE may not have taken more in about the last minute than what it leaves. So there is always something
/// left for the others, while one that has no rival gets at most half of the rest in a minute. Lives on the
/// event loop.
class PsrdShare {
 public:
  explicit PsrdShare(const Clock& clock) : clock_(clock) {}

  /// Whether the SAE may take `cost` of what is `left`; if so, it counts as taken.
  [[nodiscard]] bool take(const SaeId& sae, const PsrdAmount& cost, const PsrdAmount& left);

 private:
  struct Taken {
    double pad_bytes = 0;
    double messages = 0;
    MonotonicTime at;
  };
  const Clock& clock_;
  std::map<SaeId, Taken> taken_;  // of the KME's own SAEs, so it is bounded
};

}  // namespace dske::kme
