#include "kme/lookup_budget.h"

#include <doctest/doctest.h>

#include "dske/simulated_loop.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::sae;

int take_all(LookupBudget& budget, const SaeId& who) {
  int taken = 0;
  while (taken < 10000 && budget.take(who)) ++taken;
  return taken;
}

TEST_CASE("an SAE may ask in a burst, then once a second") {
  test::SimulatedClock clock;
  LookupBudget budget(clock);
  CHECK(take_all(budget, sae("carol")) == 256);
  CHECK_FALSE(budget.take(sae("carol")));
  clock.set(clock.now() + std::chrono::seconds(3));
  CHECK(take_all(budget, sae("carol")) == 3);
}

TEST_CASE("a long pause refills no more than the burst") {
  test::SimulatedClock clock;
  LookupBudget budget(clock);
  CHECK(budget.take(sae("carol")));
  clock.set(clock.now() + std::chrono::hours(24));
  CHECK(take_all(budget, sae("carol")) == 256);
}

TEST_CASE("an SAE that has spent its budget does not shut out another") {
  test::SimulatedClock clock;
  LookupBudget budget(clock);
  CHECK(take_all(budget, sae("carol")) == 256);
  CHECK(budget.take(sae("celia")));
}

TEST_CASE("what is given back can be taken again, and never makes the budget grow") {
  test::SimulatedClock clock;
  LookupBudget budget(clock);
  CHECK(take_all(budget, sae("carol")) == 256);
  budget.give_back(sae("carol"));
  CHECK(take_all(budget, sae("carol")) == 1);
  for (int i = 0; i < 1000; ++i) budget.give_back(sae("carol"));
  CHECK(take_all(budget, sae("carol")) == 256);
  budget.give_back(sae("stranger"));
  CHECK(take_all(budget, sae("stranger")) == 256);
}

TEST_CASE("questions that the hubs did not answer cost a part") {
  test::SimulatedClock clock;
  LookupBudget budget(clock);
  int asked = 0;
  while (asked < 10000 && budget.take(sae("carol"))) {
    budget.give_back_most(sae("carol"));
    ++asked;
  }
  CHECK(asked > 1000);
  CHECK(asked < 1050);
}

TEST_CASE("several questions are taken at once, all or none") {
  test::SimulatedClock clock;
  LookupBudget budget(clock);
  CHECK(budget.take(sae("carol"), 250));
  CHECK_FALSE(budget.take(sae("carol"), 7));
  CHECK(budget.take(sae("carol"), 6));
  CHECK_FALSE(budget.take(sae("carol")));
  CHECK(budget.take(sae("carol"), 0));
  budget.give_back(sae("carol"), 5);
  CHECK(take_all(budget, sae("carol")) == 5);
  budget.give_back(sae("carol"), 1000);
  CHECK(take_all(budget, sae("carol")) == 256);
}

}  // namespace
}  // namespace dske::kme
