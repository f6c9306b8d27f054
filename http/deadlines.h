// The deadlines of many connections behind one timer.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

namespace dske::http {

/// What a connection may be waited for. Every kind has one duration, so the deadlines of a kind pass in the
/// order in which they were set, and setting, changing and finding the next one cost the same however many
/// there are.
enum class Wait : std::size_t { handshake, head, body, keep_alive, write, linger };
inline constexpr std::size_t kWaits = 6;

/// At most one deadline per connection. Not thread-safe.
class Deadlines {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;
  struct Deadline {
    Time time;
    std::uint64_t connection = 0;
    Wait wait = Wait::handshake;
  };
  /// A connection's hold on its deadline.
  using Handle = std::list<Deadline>::iterator;

  explicit Deadlines(std::array<std::chrono::milliseconds, kWaits> durations) : durations_(durations) {}

  /// A handle without a deadline.
  [[nodiscard]] Handle add(std::uint64_t connection) {
    unset_.push_front({Time(), connection, Wait::handshake});
    return unset_.begin();
  }
  void remove(Handle handle) { list_of(handle).erase(handle); }

  /// Replaces the connection's deadline.
  void set(Handle handle, Wait wait, Time now) {
    std::list<Deadline>& from = list_of(handle);
    const auto index = static_cast<std::size_t>(wait);
    handle->wait = wait;
    handle->time = now + durations_[index];
    set_[index].splice(set_[index].end(), from, handle);
  }
  void clear(Handle handle) {
    if (handle->time == Time()) return;
    std::list<Deadline>& from = list_of(handle);
    handle->time = Time();
    unset_.splice(unset_.begin(), from, handle);
  }
  [[nodiscard]] static std::optional<Wait> waiting_for(Handle handle) {
    if (handle->time == Time()) return std::nullopt;
    return handle->wait;
  }

  /// The connection that has waited the longest of those that are waited for so.
  [[nodiscard]] std::optional<std::uint64_t> longest(Wait wait) const {
    const std::list<Deadline>& list = set_[static_cast<std::size_t>(wait)];
    if (list.empty()) return std::nullopt;
    return list.front().connection;
  }

  /// The earliest of all deadlines.
  [[nodiscard]] std::optional<Deadline> next() const {
    std::optional<Deadline> earliest;
    for (const std::list<Deadline>& list : set_) {
      if (!list.empty() && (!earliest || list.front().time < earliest->time)) earliest = list.front();
    }
    return earliest;
  }

 private:
  std::list<Deadline>& list_of(Handle handle) {
    return handle->time == Time() ? unset_ : set_[static_cast<std::size_t>(handle->wait)];
  }

  std::array<std::chrono::milliseconds, kWaits> durations_;
  std::array<std::list<Deadline>, kWaits> set_;
  std::list<Deadline> unset_;
};

}  // namespace dske::http
