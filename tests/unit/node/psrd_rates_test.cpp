#include "node/psrd_rates.h"

#include <doctest/doctest.h>

namespace dske::node {
namespace {

using std::chrono::seconds;

// One block whose client pad is used at a chosen rate, looked at every second.
struct Used {
  PsrdRateEstimator estimator;
  MonotonicTime now{std::chrono::hours(1)};
  std::uint64_t left = 10'000'000;
  BlockId block = *BlockId::parse("0f8fad5b-d9cb-469f-a165-70867728950e");
  bool second_block = false;

  [[nodiscard]] PsrdLevels levels() const {
    return {1, {1000, 1000}, {left, 10'000'000}, {1000, 1000}, {1000, 1000}};
  }
  void observe() {
    PsrdRateEstimator::BlockLevels blocks{{block, levels()}};
    if (second_block) blocks[*BlockId::parse("7c9e6679-7425-40de-944b-e07fc1f90ae7")] = levels();
    estimator.observe("hank", blocks, now);
  }
  void pass(seconds time, std::uint64_t bytes_per_second) {
    for (seconds passed{0}; passed < time; passed += seconds(1)) {
      now += seconds(1);
      left -= bytes_per_second;
      observe();
    }
  }
  [[nodiscard]] double rate() const { return estimator.rates("hank")->client_pad; }
};

TEST_CASE("rates: nothing is told of peers that have hardly been observed") {
  Used used;
  CHECK_FALSE(used.estimator.rates("hank"));
  used.observe();
  used.pass(seconds(4), 100);
  CHECK_FALSE(used.estimator.rates("hank"));
  used.pass(seconds(1), 100);
  CHECK(used.estimator.rates("hank"));
  used.estimator.forget("hank");
  CHECK_FALSE(used.estimator.rates("hank"));
}

TEST_CASE("rates: even use is told as it is, soon and later") {
  Used used;
  used.observe();
  used.pass(seconds(10), 500);
  CHECK(used.rate() == doctest::Approx(500).epsilon(0.01));
  used.pass(seconds(1000), 500);
  CHECK(used.rate() == doctest::Approx(500).epsilon(0.01));
  CHECK(used.estimator.rates("hank")->hub_pad == 0);
}

TEST_CASE("rates: what lies back fades") {
  Used used;
  used.observe();
  used.pass(seconds(3600), 500);
  used.pass(seconds(300), 0);
  CHECK(used.rate() == doctest::Approx(500 / 2.71828).epsilon(0.02));
  used.pass(seconds(7200), 0);
  CHECK(used.rate() < 0.001);
  CHECK_FALSE(used.estimator.rates("hank")->time_left(used.levels()));
}

TEST_CASE("rates: what is observed rarely, or twice at one moment, counts the same") {
  Used used;
  used.observe();
  used.observe();
  for (int i = 0; i < 10; ++i) {
    used.now += seconds(30);
    used.left -= 30 * 200;
    used.observe();
  }
  CHECK(used.rate() == doctest::Approx(200).epsilon(0.06));
}

TEST_CASE("rates: blocks that come and go are no use") {
  Used used;
  used.observe();
  used.pass(seconds(60), 100);
  used.second_block = true;
  used.observe();
  used.second_block = false;
  used.observe();
  CHECK(used.rate() == doctest::Approx(100).epsilon(0.01));
  used.estimator.observe("hank", {}, used.now += seconds(1));
  CHECK(used.rate() == doctest::Approx(100).epsilon(0.03));
}

TEST_CASE("rates: the zone that is used up first sets the time that is left") {
  const PsrdLevels levels{1, {100, 1000}, {1000, 1000}, {500, 1000}, {0, 1000}};
  CHECK(PsrdRates{1, 1, 0, 0}.time_left(levels) == seconds(100));
  CHECK(PsrdRates{1, 20, 0, 0}.time_left(levels) == seconds(50));
  CHECK(PsrdRates{1, 1, 0, 1}.time_left(levels) == seconds(0));
  CHECK_FALSE(PsrdRates{}.time_left(levels));
}

}  // namespace
}  // namespace dske::node
