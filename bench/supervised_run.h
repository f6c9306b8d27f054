// A run of which nothing is left, however it ends.
#pragma once

#include <filesystem>
#include <functional>

namespace dske::bench {

/// Runs `work` with a new directory in `parent`, in a process of its own. When that has ended, in whatever
/// way, or on SIGINT or SIGTERM, kills the processes that it started and removes the directory. Answers the
/// exit status. REQUIRES: this process has one thread.
[[nodiscard]] int run_supervised(const std::filesystem::path& parent,
                                 const std::function<int(const std::filesystem::path& directory)>& work);

}  // namespace dske::bench
