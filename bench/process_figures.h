// What a process takes of the machine, as /proc tells it.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/result.h"

namespace dske::bench {

struct ProcessFigures {
  std::int64_t resident_bytes = 0;      ///< RSS
  std::int64_t proportional_bytes = 0;  ///< PSS: pages shared by m processes count as 1/m
  std::int64_t descriptors = 0;
  std::int64_t threads = 0;
};

/// The daemons forbid others to look into them, so that only root may count their descriptors;
/// ErrorKind::forbidden says so.
[[nodiscard]] Result<ProcessFigures> figures_of(std::int64_t pid);

/// RSS alone, which anybody may see.
[[nodiscard]] Result<std::int64_t> resident_bytes_of(std::int64_t pid);

/// How long its threads have run on processors, in user mode and in the kernel; in ticks of 10 ms.
[[nodiscard]] Result<std::chrono::milliseconds> processor_time_of(std::int64_t pid);

[[nodiscard]] inline double mebibytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1024 * 1024);
}

}  // namespace dske::bench
