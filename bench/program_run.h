// Runs the product's programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace dske::bench {

struct ProgramRun {
  double seconds = 0;                    ///< wall clock
  std::int64_t most_resident_bytes = 0;  ///< its largest RSS
};

/// `program` is the name of one beside dske-bench. What it prints on standard output is dropped.
/// ErrorKind::internal if it does not end with exit status 0.
[[nodiscard]] Result<ProgramRun> run_program(const std::string& program,
                                             const std::vector<std::string>& arguments);

/// Starts such a program as a child of this process. What it prints on standard output is dropped.
[[nodiscard]] Result<pid_t> start_program(const std::string& program,
                                          const std::vector<std::string>& arguments);
/// Both its outputs are appended to `log_file`.
[[nodiscard]] Result<pid_t> start_program(const std::string& program,
                                          const std::vector<std::string>& arguments,
                                          const std::filesystem::path& log_file);

}  // namespace dske::bench
