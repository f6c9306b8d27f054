// What a function writes to standard output or standard error through C++ streams.
#pragma once

#include <functional>
#include <string>

namespace dske::node::test {

struct Captured {
  int status = 0;
  std::string output;
  std::string errors;
};

/// Calls `run`, and keeps what it answers and what it writes to std::cout and std::cerr.
[[nodiscard]] Captured capture(const std::function<int()>& run);

}  // namespace dske::node::test
