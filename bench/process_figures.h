// What a process takes of the machine, as /proc tells it.
#pragma once

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

/// CPU time that the process has taken so far, by all of its threads; 0 if there is none such.
[[nodiscard]] double cpu_seconds_of(std::int64_t pid);
/// CPU time of the calling thread.
[[nodiscard]] double thread_seconds();
/// RSS alone, which anybody may see.
[[nodiscard]] Result<std::int64_t> resident_bytes_of(std::int64_t pid);

[[nodiscard]] inline double mebibytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1024 * 1024);
}

}  // namespace dske::bench
