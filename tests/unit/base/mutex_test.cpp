#include "base/mutex.h"

#include <chrono>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace dske;

namespace {

struct Shared {
  Mutex mutex;
  ConditionVariable changed;
  int count GUARDED_BY(mutex) = 0;
};

}  // namespace

TEST_CASE("a lock keeps threads apart") {
  Shared shared;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        const MutexLock lock(shared.mutex);
        ++shared.count;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const MutexLock lock(shared.mutex);
  CHECK(shared.count == 40'000);
}

TEST_CASE("a waiting thread is woken, and waits no longer than it wants to") {
  Shared shared;
  std::thread other([&] {
    const MutexLock lock(shared.mutex);
    shared.count = 1;
    shared.changed.notify_all();
  });
  {
    const MutexLock lock(shared.mutex);
    while (shared.count == 0) shared.changed.wait(shared.mutex);
    CHECK(shared.count == 1);
    CHECK(!shared.changed.wait_for(shared.mutex, std::chrono::milliseconds(5)));
  }
  other.join();
}
