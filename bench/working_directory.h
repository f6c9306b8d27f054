// A directory for what a benchmark makes.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace dske::bench {

/// A name in `parent` that nobody has, for a directory that is gone, with everything in it, when this is
/// destroyed. It is made by whoever writes into it.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const std::filesystem::path& parent);
  ~WorkingDirectory();
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Writes a file that its owner alone can read.
[[nodiscard]] Result<void> write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace dske::bench
