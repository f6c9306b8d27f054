// The keys that are leased for issue: each goes to one caller, whatever the threads do.
#include "kme/leased_keys.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "base/random.h"

namespace dske::kme {
namespace {

constexpr std::size_t kKeyBytes = 32;
const MonotonicTime kNow{std::chrono::hours(1000)};
const MonotonicTime kLater = kNow + std::chrono::hours(1);

BundleId random_bundle() {
  SystemRandomness randomness;
  return BundleId::random(randomness);
}

// Each key holds its index in its first byte.
LeasedBatch batch_of(const BundleId& bundle, std::uint32_t first, std::uint32_t end,
                     MonotonicTime not_after = kLater) {
  LeasedBatch batch{bundle, first, SecretBytes((end - first) * kKeyBytes), not_after};
  for (std::uint32_t i = first; i < end; ++i)
    batch.keys.span()[(i - first) * kKeyBytes] = static_cast<std::uint8_t>(i);
  return batch;
}

std::vector<std::string> texts_of(const std::vector<etsi014::Key>& keys) {
  std::vector<std::string> texts;
  for (const etsi014::Key& key : keys)
    texts.push_back(key.id.text() + "=" + std::to_string(key.value.view()[0]));
  return texts;
}

std::string text_of(const BundleId& bundle, std::uint16_t index) {
  return bundle.key_id(index).text() + "=" + std::to_string(index);
}

}  // namespace

TEST_CASE("leased keys are given out in their order, across batches") {
  LeasedKeys leased(kKeyBytes);
  const BundleId a = random_bundle();
  const BundleId b = random_bundle();
  leased.add(batch_of(a, 3, 6));
  leased.add(batch_of(b, 0, 4));
  CHECK(leased.available() == 7);
  const auto first = leased.take(2, kNow);
  REQUIRE(first.has_value());
  CHECK(texts_of(*first) == std::vector{text_of(a, 3), text_of(a, 4)});
  CHECK(leased.oldest() == a);
  const auto second = leased.take(3, kNow);
  REQUIRE(second.has_value());
  CHECK(texts_of(*second) == std::vector{text_of(a, 5), text_of(b, 0), text_of(b, 1)});
  CHECK(leased.oldest() == b);
  CHECK(leased.available() == 2);
  CHECK_FALSE(leased.take(3, kNow).has_value());
  CHECK(leased.available() == 2);
  CHECK(texts_of(*leased.take(2, kNow)) == std::vector{text_of(b, 2), text_of(b, 3)});
  CHECK_FALSE(leased.take(1, kNow).has_value());
  CHECK_FALSE(leased.oldest().has_value());
  CHECK(leased.count_taken() == 7);
  CHECK(leased.count_taken() == 0);
}

TEST_CASE("a whole batch is taken exactly, and the next one from its beginning") {
  LeasedKeys leased(kKeyBytes);
  const BundleId a = random_bundle();
  const BundleId b = random_bundle();
  leased.add(batch_of(a, 0, 2));
  leased.add(batch_of(b, 0, 2));
  CHECK(texts_of(*leased.take(2, kNow)) == std::vector{text_of(a, 0), text_of(a, 1)});
  CHECK(texts_of(*leased.take(1, kNow)) == std::vector{text_of(b, 0)});
  CHECK(texts_of(*leased.take(1, kNow)) == std::vector{text_of(b, 1)});
}

TEST_CASE("keys that are too old are not given out") {
  LeasedKeys leased(kKeyBytes);
  const BundleId old = random_bundle();
  const BundleId young = random_bundle();
  leased.add(batch_of(old, 0, 4, kNow));
  leased.add(batch_of(young, 0, 2));
  CHECK_FALSE(leased.take(3, kNow).has_value());
  CHECK(texts_of(*leased.take(1, kNow)) == std::vector{text_of(young, 0)});
  CHECK(leased.available() == 1);

  leased.add(batch_of(old, 4, 8, kNow));
  CHECK(leased.drop_old(kNow) == 4);
  CHECK(leased.available() == 1);
  CHECK(leased.drop_old(kLater) == 1);
  CHECK(leased.available() == 0);
}

TEST_CASE("what nobody was given is taken back, from the first key on that is left") {
  LeasedKeys leased(kKeyBytes);
  const BundleId a = random_bundle();
  const BundleId b = random_bundle();
  leased.add(batch_of(a, 0, 4));
  leased.add(batch_of(b, 7, 9));
  REQUIRE(leased.take(3, kNow).has_value());
  const auto back = leased.take_back();
  REQUIRE(back.size() == 2);
  CHECK(back[0].bundle == a);
  CHECK(back[0].first == 3);
  CHECK(back[0].keys.size() == kKeyBytes);
  CHECK(back[0].keys.view()[0] == 3);
  CHECK(back[1].bundle == b);
  CHECK(back[1].first == 7);
  CHECK(leased.available() == 0);
  CHECK_FALSE(leased.take(1, kNow).has_value());
}

TEST_CASE("that keys become few is told once for each time it is asked for") {
  LeasedKeys leased(kKeyBytes);
  leased.add(batch_of(random_bundle(), 0, 4));
  CHECK_FALSE(leased.should_tend());
  leased.want(3);
  CHECK_FALSE(leased.should_tend());
  REQUIRE(leased.take(2, kNow).has_value());
  CHECK(leased.should_tend());
  CHECK_FALSE(leased.should_tend());
  leased.want(3);
  CHECK(leased.should_tend());
}

TEST_CASE("many threads take every key once") {
  constexpr int kThreads = 8;
  constexpr std::uint32_t kBatches = 200;
  constexpr std::uint32_t kPerBatch = 50;
  LeasedKeys leased(kKeyBytes);
  std::mutex mutex;
  std::set<std::string> given;
  std::size_t count = 0;
  const auto take = [&](std::uint32_t number) {
    std::size_t misses = 0;
    while (misses < 1000) {
      const auto keys = leased.take(number, kNow);
      if (!keys) {
        ++misses;
        std::this_thread::yield();
        continue;
      }
      const std::lock_guard lock(mutex);
      for (const etsi014::Key& key : *keys) given.insert(key.id.text());
      count += keys->size();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(take, static_cast<std::uint32_t>(1 + i % 3));
  for (std::uint32_t i = 0; i < kBatches; ++i) leased.add(batch_of(random_bundle(), 0, kPerBatch));
  for (std::thread& thread : threads) thread.join();
  for (auto rest = leased.take(1, kNow); rest; rest = leased.take(1, kNow)) {
    given.insert(rest->front().id.text());
    ++count;
  }
  CHECK(count == kBatches * kPerBatch);
  CHECK(given.size() == count);
  CHECK(leased.count_taken() == count);
}

TEST_CASE("the leased keys of a pair are found by the pair") {
  LeasedKeysByPair pairs;
  const auto sae = [](const char* text) { return *SaeId::parse(text); };
  const auto keys = std::make_shared<LeasedKeys>(kKeyBytes);
  pairs.add({sae("carol"), sae("celia")}, keys);
  CHECK(pairs.find({sae("carol"), sae("celia")}) == keys);
  CHECK(pairs.find({sae("celia"), sae("carol")}) == nullptr);
  pairs.remove({sae("carol"), sae("celia")});
  CHECK(pairs.find({sae("carol"), sae("celia")}) == nullptr);
}

}  // namespace dske::kme
