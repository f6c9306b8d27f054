#include "node/worker_thread.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace dske::node {
namespace {

// A task that does not end before it is told to.
struct Held {
  std::promise<void> begun;
  std::promise<void> release;
  void submit_to(WorkerThread& worker) {
    REQUIRE(worker.submit([this] {
      begun.set_value();
      release.get_future().wait();
    }));
    begun.get_future().wait();
  }
};

TEST_CASE("tasks run one after the other, in their order, on a thread of their own") {
  std::vector<int> order;
  std::thread::id thread;
  {
    WorkerThread worker;
    std::promise<void> last;
    for (int i = 0; i < 100; ++i) REQUIRE(worker.submit([&order, i] { order.push_back(i); }));
    REQUIRE(worker.submit([&] {
      thread = std::this_thread::get_id();
      last.set_value();
    }));
    last.get_future().wait();
  }
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("a thread that is ended finishes the task it is at and drops the others, uncalled") {
  std::atomic<bool> called{false};
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = owned;
  Held held;
  std::optional<WorkerThread> worker;
  WorkerThread& being_ended = worker.emplace();
  held.submit_to(being_ended);
  REQUIRE(being_ended.submit([&called, owned = std::move(owned)] { called = true; }));
  auto ended = std::async(std::launch::async, [&] { worker.reset(); });
  // It refuses tasks as soon as it is being ended, and cannot end before the task that is held.
  while (being_ended.submit([] {})) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(ended.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  held.release.set_value();
  ended.wait();
  CHECK_FALSE(called);
  CHECK(watched.expired());
}

TEST_CASE("a queue that is full refuses, and takes again when there is room") {
  WorkerThread worker;
  Held held;
  held.submit_to(worker);
  std::atomic<int> done{0};
  int taken = 0;
  while (taken < 5000 && worker.submit([&done] { ++done; })) ++taken;
  CHECK(taken == 1024);
  held.release.set_value();
  std::promise<void> last;
  while (!worker.submit([&last] { last.set_value(); })) std::this_thread::yield();
  last.get_future().wait();
  CHECK(done == taken);
}

}  // namespace
}  // namespace dske::node
