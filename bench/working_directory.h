// A directory of a benchmark's own.
#pragma once

#include <filesystem>
#include <system_error>

#include "base/base64.h"
#include "base/random.h"

namespace dske::bench {

/// Gone, with everything in it, when the benchmark ends. Whoever writes there makes it.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const std::filesystem::path& parent)
      : path_(parent / ("dske-bench-" + hex_text(SystemRandomness().bytes(8).view()))) {}
  ~WorkingDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace dske::bench
