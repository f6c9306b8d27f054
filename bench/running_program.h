// One of the product's programs that runs until it is told to end.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace dske::bench {

/// Ended, gently, on destruction. Not thread-safe.
class RunningProgram {
 public:
  /// `program` is the name of one beside dske-bench. What it prints on standard output is dropped.
  [[nodiscard]] static Result<RunningProgram> start(const std::string& program,
                                                    const std::vector<std::string>& arguments);
  ~RunningProgram();
  RunningProgram(RunningProgram&& other) noexcept;
  RunningProgram& operator=(RunningProgram&&) = delete;
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// User and system time so far, in seconds.
  [[nodiscard]] double cpu_seconds() const;

 private:
  explicit RunningProgram(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

}  // namespace dske::bench
