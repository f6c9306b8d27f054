#include "hub/health_tests.h"

#include <string>

#include <doctest/doctest.h>

#include "dske/fixed_randomness.h"
#include "vectors.h"

namespace dske::hub {
namespace {

using Failure = HealthTests::Failure;

HealthTestCutoffs usual() {
  return HealthTestCutoffs::of(8, 40);
}

// Bytes that all differ from their neighbours and fill no window with one of them.
Bytes counted(std::size_t size, std::uint8_t from = 0) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(from + i);
  return bytes;
}

TEST_CASE("health tests: the cutoffs are those of SP 800-90B") {
  std::size_t count = 0;
  for (const dske::test::Vector& vector : dske::test::read_vectors("hub/health_tests.vec")) {
    CAPTURE(vector.where());
    const auto cutoffs = HealthTestCutoffs::of(std::stod(vector.text("Entropy")),
                                               static_cast<unsigned>(vector.number("Exponent")));
    CHECK(cutoffs.repetition == vector.number("Repetition"));
    CHECK(cutoffs.proportion == vector.number("Proportion"));
    ++count;
  }
  CHECK(count == 65);
}

TEST_CASE(
    "health tests: one sample less than the cutoff in a row passes, the cutoff fails, in any position") {
  const HealthTestCutoffs cutoffs = usual();
  for (const std::size_t before :
       {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{511}, std::size_t{1000}}) {
    CAPTURE(before);
    Bytes samples = counted(before, 1);
    const std::uint8_t stuck = 0;
    samples.insert(samples.end(), cutoffs.repetition - 1, stuck);
    HealthTests tests(cutoffs);
    CHECK(tests.look_at(samples) == Failure::none);
    CHECK(tests.look_at(counted(5, 7)) == Failure::none);
    HealthTests failing(cutoffs);
    samples.push_back(stuck);
    CHECK(failing.look_at(samples) == Failure::repetition_count);
  }
}

TEST_CASE("health tests: a repetition is found across the pieces in which samples come") {
  HealthTests tests(usual());
  const Bytes one(1, 0x55);
  for (unsigned i = 1; i < usual().repetition; ++i) CHECK(tests.look_at(one) == Failure::none);
  CHECK(tests.look_at(one) == Failure::repetition_count);
}

TEST_CASE("health tests: a failure stays") {
  HealthTests tests(usual());
  CHECK(tests.look_at(Bytes(64, 0)) == Failure::repetition_count);
  CHECK(tests.look_at(counted(4096)) == Failure::repetition_count);
}

TEST_CASE("health tests: the window's first sample may come again, but not as often as the cutoff") {
  const HealthTestCutoffs cutoffs = usual();
  const auto window = [&](unsigned times) {
    Bytes samples = counted(HealthTestCutoffs::kWindow);
    for (std::uint8_t& sample : samples) sample = sample == 0 ? 1 : sample;  // 0 is the one that is counted
    for (unsigned i = 0; i < times; ++i) samples[i * 20] = 0;
    return samples;
  };
  REQUIRE(cutoffs.proportion * 20 < HealthTestCutoffs::kWindow);
  HealthTests passing(cutoffs);
  CHECK(passing.look_at(window(cutoffs.proportion - 1)) == Failure::none);
  CHECK(passing.look_at(window(cutoffs.proportion - 1)) == Failure::none);  // each window counts for itself
  HealthTests failing(cutoffs);
  CHECK(failing.look_at(counted(HealthTestCutoffs::kWindow, 3)) == Failure::none);
  CHECK(failing.look_at(window(cutoffs.proportion)) == Failure::adaptive_proportion);
}

TEST_CASE("health tests: the window's sample in its last place counts") {
  HealthTestCutoffs cutoffs = usual();
  cutoffs.proportion = 2;
  Bytes samples(HealthTestCutoffs::kWindow, 1);
  for (std::size_t i = 1; i < samples.size(); ++i) samples[i] = static_cast<std::uint8_t>(2 + i % 2);
  HealthTests passing(cutoffs);
  CHECK(passing.look_at(samples) == Failure::none);
  samples.back() = 1;
  HealthTests failing(cutoffs);
  CHECK(failing.look_at(samples) == Failure::adaptive_proportion);
}

TEST_CASE(
    "health tests: a good source passes 16 MiB, one with half the entropy it claims does not pass 1 MiB") {
  dske::test::ReproducibleRandomness randomness(1);
  HealthTests good(usual());
  for (int i = 0; i < 256; ++i) CHECK(good.look_at(randomness.data(65536)) == Failure::none);
  HealthTests biased(usual());
  Failure failure = Failure::none;
  for (int i = 0; i < 16 && failure == Failure::none; ++i) {
    Bytes samples = randomness.data(65536);
    for (std::uint8_t& sample : samples) sample &= 0x0fU;
    failure = biased.look_at(samples);
  }
  CHECK(failure != Failure::none);
}

}  // namespace
}  // namespace dske::hub
