// What tells files from their next versions. Internal to http/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dske::http {

struct FileStamp {
  std::int64_t device = 0;
  std::int64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_nanoseconds = 0;
  std::int64_t changed_nanoseconds = 0;
  bool operator==(const FileStamp&) const = default;
};

/// In the order of the names; all zero for a file that is not there.
[[nodiscard]] std::vector<FileStamp> stamps_of(const std::vector<std::string>& files);

}  // namespace dske::http
