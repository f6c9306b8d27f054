// Runs one of the product's programs to its end and tells what it took.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

}  // namespace dske::bench
