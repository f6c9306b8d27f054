#include "kme/pair_agenda.h"

#include <doctest/doctest.h>

namespace dske::kme {
namespace {

struct Item {
  MonotonicTime look_at = PairAgenda<Item>::kNever;
};

const MonotonicTime kNow{std::chrono::hours(1)};
constexpr std::chrono::seconds kLater{5};

}  // namespace

TEST_CASE("what is due is taken out once, the earliest first") {
  PairAgenda<Item> agenda;
  Item late;
  Item soon;
  Item next;
  agenda.set(late, kNow);
  agenda.set(soon, kNow - kLater);
  agenda.set(next, agenda.kNext);
  CHECK(agenda.take_due(kNow) == std::vector<Item*>{&next, &soon, &late});
  CHECK(agenda.take_due(kNow).empty());
}

TEST_CASE("a later time replaces an earlier one, and the reverse") {
  PairAgenda<Item> agenda;
  Item item;
  agenda.set(item, kNow);
  agenda.set(item, kNow + kLater);
  CHECK(agenda.take_due(kNow).empty());
  agenda.set(item, kNow);
  CHECK(agenda.take_due(kNow).size() == 1);
}

TEST_CASE("what is removed or has nothing to come is never due") {
  PairAgenda<Item> agenda;
  Item gone;
  Item resting;
  agenda.set(gone, kNow);
  agenda.remove(gone);
  agenda.set(resting, kNow);
  agenda.set(resting, agenda.kNever);
  CHECK(agenda.take_due(MonotonicTime::max()).empty());
}

}  // namespace dske::kme
