// The same work on many nodes at once: it is waiting, not computing, so each gets a thread.
#pragma once

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace dske::manager {

/// Runs work(0) ... work(count - 1) on threads of their own and returns when all are done. `work` must not
/// throw.
inline void for_each_in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace dske::manager
