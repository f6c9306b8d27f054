// Many threads at once; to be run under ThreadSanitizer too.
#include <atomic>
#include <thread>

#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

/// Counts down to zero, which can be waited for.
class Countdown {
 public:
  explicit Countdown(int from) : left_(from) {}
  void count() {
    if (--left_ == 0) done_.set_value();
  }
  void wait() { done_.get_future().wait(); }

 private:
  std::atomic<int> left_;
  std::promise<void> done_;
};

}  // namespace

TEST_CASE("many threads share commits, and each answer can be read at once") {
  constexpr int kThreads = 8;
  constexpr int kShares = 40;
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  Countdown answered(kThreads * kShares);
  std::atomic<int> faults = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kShares; ++i) {
        auto share = share_of(context(client("carol")), deadline(seconds(60)));
        const BundleName bundle = share.context.name();
        store->add_share(std::move(share), {client("celia")}, [&, bundle](const Result<void>& added) {
          if (!added) ++faults;
          store->load_share(bundle, client("celia"), [&, bundle](const Result<ShareRecord>& loaded) {
            if (!loaded || loaded->context.name() != bundle) ++faults;
            store->confirm(client("celia"), {bundle}, [&](const Result<std::vector<WaitingAmount>>& gone) {
              if (!gone || gone->size() != 1) ++faults;
              answered.count();
            });
          });
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  answered.wait();
  CHECK(faults == 0);
  const auto contents = store->load();
  require_ok(contents);
  CHECK(contents->waiting.empty());
}

TEST_CASE("answers come in the order of submission") {
  const TemporaryDirectory dir;
  const auto store = new_kme(dir.path());
  std::vector<int> order;
  Countdown answered(300);
  for (int i = 0; i < 300; ++i) {
    // Some fail.
    store->acknowledge_bundle(random_bundle(), [](const Result<void>&) {});
    store->begin_bundle({random_bundle(), {}, deadline(seconds(60))}, [&, i](const Result<void>&) {
      order.push_back(i);
      answered.count();
    });
  }
  answered.wait();
  REQUIRE(order.size() == 300);
  for (int i = 0; i < 300; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a store that is destroyed first answers all that was submitted") {
  const TemporaryDirectory dir;
  int answers = 0;
  {
    const auto store = new_hub(dir.path());
    for (int i = 0; i < 200; ++i) {
      store->add_share(share_of(context(client("carol")), deadline(seconds(60))), {client("celia")},
                       [&](const Result<void>& added) { answers += added ? 1 : 0; });
    }
  }
  CHECK(answers == 200);
  auto store = open_hub(dir.path());
  require_ok(store);
  const auto contents = (*store)->load();
  require_ok(contents);
  REQUIRE(contents->waiting.size() == 1);
  CHECK(contents->waiting[0].bundles == 200);
}

}  // namespace dske::store::test
