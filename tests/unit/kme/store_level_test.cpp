#include "kme/store_level.h"

#include <doctest/doctest.h>

namespace dske::kme {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const MonotonicTime kStart{std::chrono::hours(1000)};

}  // namespace

TEST_CASE("a steady demand is known after some minutes, and forgotten after some more") {
  KeyDemand demand;
  MonotonicTime now = kStart;
  CHECK(demand.keys_per_second(now) == 0);
  for (int i = 0; i < 600; ++i) demand.add(5, now += seconds(1));
  CHECK(demand.keys_per_second(now) == doctest::Approx(5).epsilon(0.02));
  CHECK(demand.keys_per_second(now + seconds(120)) == doctest::Approx(5 / 2.718).epsilon(0.02));
  CHECK(demand.keys_per_second(now + seconds(3600)) < 0.001);
}

TEST_CASE("leases that follow each other closely grow, up to a limit, and shrink in quiet times") {
  LeaseWindow window;
  MonotonicTime now = kStart;
  window.note_lease(0, now);
  CHECK(window.keys() == LeaseWindow::kLeast);
  window.note_lease(0, now += milliseconds(100));
  CHECK(window.keys() == 4 * LeaseWindow::kLeast);
  window.note_lease(0, now += milliseconds(300));
  CHECK(window.keys() == 4 * LeaseWindow::kLeast);
  for (int i = 0; i < 30; ++i) window.note_lease(0, now += milliseconds(1));
  CHECK(window.keys() == LeaseWindow::kMost);
  window.note_time(now += seconds(1));
  CHECK(window.keys() == LeaseWindow::kMost);
  for (int i = 0; i < 30; ++i) window.note_time(now += seconds(3));
  CHECK(window.keys() == LeaseWindow::kLeast);
}

TEST_CASE("a large request makes room for two of its kind") {
  LeaseWindow window;
  window.note_lease(100, kStart);
  CHECK(window.keys() == 200);
  window.note_lease(3, kStart + seconds(1));
  CHECK(window.keys() == 200);
  window.note_lease(4000000000, kStart + seconds(2));
  CHECK(window.keys() == LeaseWindow::kMost);
}

}  // namespace dske::kme
