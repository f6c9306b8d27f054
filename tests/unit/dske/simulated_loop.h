// Time and an event loop that run as fast as the machine can, the same in every run with the same seed.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/event_loop.h"

namespace dske::test {

class SimulatedClock final : public Clock {
 public:
  [[nodiscard]] MonotonicTime now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(now_.time_since_epoch()));
  }
  void set(MonotonicTime now) { now_ = now; }

 private:
  MonotonicTime now_{std::chrono::hours(1000)};
};

/// Tasks run in the order in which they were posted; timers that are due at one moment in an order that
/// depends on the seed. Whatever has not run when the loop ends is dropped.
class SimulatedLoop final : public EventLoop {
 public:
  SimulatedLoop(SimulatedClock& clock, std::uint32_t seed) : clock_(clock), order_(seed) {}
  ~SimulatedLoop() override { drop_all(); }
  SimulatedLoop(const SimulatedLoop&) = delete;
  SimulatedLoop& operator=(const SimulatedLoop&) = delete;

  void post(Task task) override { posted_.push_back(std::move(task)); }

  TimerId after(std::chrono::nanoseconds delay, Task task) override {
    const TimerId id = ++last_timer_;
    const Due due{clock_.now() + std::max(delay, std::chrono::nanoseconds(0)), order_(), id};
    due_.emplace(id, due);
    timers_.emplace(due, std::move(task));
    return id;
  }

  void cancel(TimerId timer) override {
    const auto found = due_.find(timer);
    if (found == due_.end()) return;
    // The task dies after the maps have been changed: its destructor may call back.
    auto node = timers_.extract(found->second);
    due_.erase(found);
  }

  [[nodiscard]] MonotonicTime now() const { return clock_.now(); }
  [[nodiscard]] std::size_t timers() const { return timers_.size(); }

  /// Runs everything that is due within `span`, then lets the clock stand at its end.
  void run_for(std::chrono::nanoseconds span) {
    static_cast<void>(run_until([] { return false; }, span));
  }

  /// Runs until `met` holds; answers false if that was not within `span`.
  [[nodiscard]] bool run_until(const std::function<bool()>& met, std::chrono::nanoseconds span) {
    const MonotonicTime end = clock_.now() + span;
    while (!met()) {
      if (!posted_.empty()) {
        Task task = std::move(posted_.front());
        posted_.pop_front();
        task();
        continue;
      }
      if (timers_.empty() || std::get<0>(timers_.begin()->first) > end) {
        clock_.set(end);
        return met();
      }
      auto node = timers_.extract(timers_.begin());
      clock_.set(std::max(clock_.now(), std::get<0>(node.key())));
      due_.erase(std::get<2>(node.key()));
      node.mapped()();
    }
    return true;
  }

  /// Drops every task and timer, as when the process ends.
  void drop_all() {
    while (!posted_.empty() || !timers_.empty()) {
      const auto posted = std::exchange(posted_, {});
      const auto timers = std::exchange(timers_, {});
      due_.clear();
    }
  }

 private:
  using Due = std::tuple<MonotonicTime, std::mt19937::result_type, TimerId>;

  SimulatedClock& clock_;
  std::mt19937 order_;
  std::deque<Task> posted_;
  std::map<Due, Task> timers_;
  std::map<TimerId, Due> due_;
  TimerId last_timer_ = 0;
};

}  // namespace dske::test
