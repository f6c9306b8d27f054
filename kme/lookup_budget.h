// Limits how often one SAE may make this KME ask the hubs for what does not exist: every question costs PSRD.
#pragma once

#include <cstddef>
#include <map>

#include "base/clock.h"
#include "base/names.h"

namespace dske::kme {

/// A question takes one unit. It gives it back if it was answered, not if the answer was that there is no
/// such thing, and in part if the hubs failed: an SAE does not have to pay for their trouble, but the hubs
/// that are up have spent PSRD on it. The budget refills with time. Lives on the event loop.
class LookupBudget {
 public:
  explicit LookupBudget(const Clock& clock) : clock_(clock) {}

  /// Takes `count` units, at most 256, or none.
  [[nodiscard]] bool take(const SaeId& sae, std::size_t count = 1);
  void give_back(const SaeId& sae, std::size_t count = 1);
  /// For questions that the hubs did not answer.
  void give_back_most(const SaeId& sae, std::size_t count = 1);

 private:
  void add(const SaeId& sae, double units);

  struct Budget {
    double left;
    MonotonicTime at;
  };
  const Clock& clock_;
  std::map<SaeId, Budget> budgets_;
};

}  // namespace dske::kme
