// Limits how often one SAE may make this KME ask the hubs for what does not exist: every question costs PSRD.
#pragma once

#include <map>

#include "base/clock.h"
#include "base/names.h"

namespace dske::kme {

/// A question takes one unit, and gives it back if there was an answer; the budget refills with time. Lives
/// on the event loop.
class LookupBudget {
 public:
  explicit LookupBudget(const Clock& clock) : clock_(clock) {}

  [[nodiscard]] bool take(const SaeId& sae);
  void give_back(const SaeId& sae);

 private:
  struct Budget {
    double left;
    MonotonicTime at;
  };
  const Clock& clock_;
  std::map<SaeId, Budget> budgets_;
};

}  // namespace dske::kme
