#include "kme/lookup_budget.h"

#include <algorithm>

namespace dske::kme {
namespace {

// The burst also bounds how many real look-ups of one SAE may be under way at once.
constexpr double kBurst = 256;
constexpr double kPerSecond = 1;
constexpr double kUnanswered = 0.75;

}  // namespace

bool LookupBudget::take(const SaeId& sae, std::size_t count) {
  if (count == 0) return true;
  const MonotonicTime now = clock_.now();
  Budget& budget = budgets_.try_emplace(sae, Budget{kBurst, now}).first->second;
  budget.left =
      std::min(kBurst, budget.left + std::chrono::duration<double>(now - budget.at).count() * kPerSecond);
  budget.at = now;
  const auto units = static_cast<double>(count);
  if (budget.left < units) return false;
  budget.left -= units;
  return true;
}

void LookupBudget::give_back(const SaeId& sae, std::size_t count) {
  add(sae, static_cast<double>(count));
}

void LookupBudget::give_back_most(const SaeId& sae, std::size_t count) {
  add(sae, static_cast<double>(count) * kUnanswered);
}

void LookupBudget::add(const SaeId& sae, double units) {
  const auto found = budgets_.find(sae);
  if (found != budgets_.end()) found->second.left = std::min(kBurst, found->second.left + units);
}

}  // namespace dske::kme
