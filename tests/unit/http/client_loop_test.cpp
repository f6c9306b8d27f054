// The loop on which calls run: its timers, tasks and watched descriptors, and its end.
#include <algorithm>
#include <array>
#include <future>
#include <latch>
#include <map>
#include <set>

#include <doctest/doctest.h>
#include <unistd.h>

#include "client_calls.h"

using namespace dske;
using namespace dske::http;
using namespace dske::http::test;  // NOLINT
using std::chrono::milliseconds;

TEST_CASE("timers fire in the order of their deadlines and not before, and a cancelled one never") {
  const auto loop = ClientLoop::start();
  std::vector<int> order;
  std::promise<void> done;
  const auto start = BootClock::now();
  std::chrono::milliseconds taken{};
  loop->post([&] {
    loop->after(milliseconds(600), [&] {
      order.push_back(4);
      taken = elapsed_since(start);
      done.set_value();
    });
    loop->after(milliseconds(200), [&] { order.push_back(1); });
    const auto dropped = loop->after(milliseconds(300), [&] { order.push_back(99); });
    loop->after(milliseconds(400), [&] { order.push_back(2); });
    loop->after(milliseconds(400), [&] { order.push_back(3); });
    loop->after(milliseconds(-5), [&, dropped] {
      order.push_back(0);
      loop->cancel(dropped);
      loop->cancel(dropped);
      loop->cancel(123456);
    });
    loop->after(std::chrono::nanoseconds::max(), [&] { order.push_back(99); });
  });
  done.get_future().wait();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(taken >= milliseconds(600));
}

TEST_CASE("a timer may set and cancel others, itself too, while it runs") {
  const auto loop = ClientLoop::start();
  std::promise<int> done;
  int fired = 0;
  EventLoop::TimerId self = 0;
  std::function<void()> again = [&] {
    loop->cancel(self);
    if (++fired == 100) return done.set_value(fired);
    self = loop->after(milliseconds(0), [&] { again(); });
  };
  loop->post([&] { again(); });
  CHECK(done.get_future().get() == 100);
}

TEST_CASE("a cancelled timer's task is destroyed at once") {
  const auto loop = ClientLoop::start();
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = owned;
  bool gone = false;
  run_on(*loop, [&] {
    const auto id = loop->after(std::chrono::hours(1), [owned = std::move(owned)] {});
    loop->cancel(id);
    gone = seen.expired();
  });
  CHECK(gone);
}

TEST_CASE("tasks of many threads all run, each thread's in its order") {
  constexpr int kThreads = 4;
  constexpr int kTasks = 2000;
  const auto loop = ClientLoop::start();
  std::array<std::vector<int>, kThreads> seen;
  std::latch left(kThreads * kTasks);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        loop->post([&, t, i] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          left.count_down();
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  left.wait();
  for (const auto& numbers : seen) {
    CHECK(numbers.size() == kTasks);
    CHECK(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

TEST_CASE("a task that was posted is not kept waiting by an idle loop") {
  const auto loop = ClientLoop::start();
  std::this_thread::sleep_for(milliseconds(30));
  const auto start = BootClock::now();
  run_on(*loop, [] {});
  CHECK(elapsed_since(start) < milliseconds(10'000));
}

TEST_CASE("a task that posts itself again and again does not keep timers and calls from running") {
  RawServer server(always(200, ""));
  const auto loop = ClientLoop::start();
  std::atomic<bool> enough = false;
  std::function<void()> again = [&] {
    if (!enough) loop->post([&] { again(); });
  };
  loop->post([&] { again(); });
  CHECK(send_and_wait(*loop, get(server.url("/"))).has_value());
  std::promise<void> fired;
  loop->post([&] { loop->after(milliseconds(5), [&] { fired.set_value(); }); });
  fired.get_future().wait();
  enough = true;
  run_on(*loop, [] {});
}

TEST_CASE("a watched descriptor's callback runs when there is something to read, its end too") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  std::promise<char> first;
  std::promise<char> second;
  std::promise<void> ended;
  int calls = 0;
  const auto loop = ClientLoop::start();
  run_on(*loop, [&] {
    loop->watch_readable(reader.get(), [&] {
      char byte = 0;
      const ssize_t count = ::read(reader.get(), &byte, 1);
      ++calls;
      if (calls == 1) first.set_value(byte);
      if (calls == 2) second.set_value(byte);
      if (calls == 3 && count == 0) ended.set_value();
    });
  });
  std::this_thread::sleep_for(milliseconds(20));
  REQUIRE(::write(writer.get(), "a", 1) == 1);
  CHECK(first.get_future().get() == 'a');
  REQUIRE(::write(writer.get(), "b", 1) == 1);
  CHECK(second.get_future().get() == 'b');
  run_on(*loop, [&] { CHECK(calls == 2); });
  writer.close();
  ended.get_future().wait();
}

TEST_CASE("stopping drops tasks, timers and calls at once and destroys their callbacks uncalled") {
  std::promise<void> arrived;
  std::promise<void> release;
  const auto released = release.get_future().share();
  RawServer server([&](RawConnection& connection) {
    static_cast<void>(connection.read_request());
    arrived.set_value();
    released.wait();
  });
  auto owned = std::make_shared<int>(0);
  bool called = false;
  auto start = BootClock::now();
  {
    auto loop = ClientLoop::start();
    loop->post([&, raw = loop.get()] {
      raw->send(get(server.url("/")), [&, owned](const Result<Answer>&) { called = true; });
      raw->after(std::chrono::hours(1), [&, owned] { called = true; });
      raw->watch_readable(-1, [&, owned] { called = true; });
    });
    arrived.get_future().wait();
    CHECK(owned.use_count() == 4);
    start = BootClock::now();
  }
  CHECK(owned.use_count() == 1);
  CHECK(!called);
  CHECK(elapsed_since(start) < milliseconds(4500));  // less than the call may take
  release.set_value();
}

TEST_CASE("what a dropped callback owns may still call the loop") {
  // Calls every function of the loop when it is destroyed.
  struct Last {
    ClientLoop* loop;
    EventLoop::TimerId other = 0;
    Last(ClientLoop* on, EventLoop::TimerId timer) : loop(on), other(timer) {}
    Last(const Last&) = delete;
    Last& operator=(const Last&) = delete;
    ~Last() {
      loop->cancel(other);
      loop->post([] { FAIL("ran a task after the end"); });
      loop->after(milliseconds(0), [] { FAIL("ran a timer after the end"); });
      loop->send(get("http://127.0.0.1:1/"),
                 [](const Result<Answer>&) { FAIL("made a call after the end"); });
    }
  };
  const auto loop = ClientLoop::start();
  run_on(*loop, [&] {
    const auto first = loop->after(std::chrono::hours(1), [] {});
    for (int i = 0; i < 3; ++i) {
      const auto last = std::make_shared<Last>(loop.get(), first);
      loop->after(std::chrono::hours(2), [last] {});
      loop->send(get("http://127.0.0.1:1/"), [last](const Result<Answer>&) {});
    }
  });
}

TEST_CASE("a call's callback may make the next call") {
  RawServer server(always(200, ""));
  const auto loop = ClientLoop::start();
  std::promise<int> done;
  int answers = 0;
  std::function<void()> next = [&] {
    loop->send(get(server.url("/")), [&](const Result<Answer>& answer) {
      REQUIRE(answer.has_value());
      if (++answers == 50) return done.set_value(answers);
      next();
    });
  };
  loop->post([&] { next(); });
  CHECK(done.get_future().get() == 50);
  CHECK(server.connections() == 1);
}
