// What tells one state of a file from another, without reading it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dske {

/// All zero for a file that is not there.
struct FileStamp {
  std::int64_t device = 0;
  std::int64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_nanoseconds = 0;
  std::int64_t changed_nanoseconds = 0;
  bool operator==(const FileStamp&) const = default;
};

/// Of what the name leads to, also over links.
[[nodiscard]] FileStamp stamp_of(const std::filesystem::path& file);

/// In the order of the names.
[[nodiscard]] std::vector<FileStamp> stamps_of(const std::vector<std::string>& files);

/// Follows a file that somebody edits from time to time. Not thread-safe.
class FileWatch {
 public:
  enum class First {
    known,    ///< what the file holds now is no change
    unknown,  ///< it may be one, and counts as one
  };
  FileWatch(std::filesystem::path file, First first);

  /// To be called every second or so: whether it has changed since this last answered yes. A file that still
  /// changes from one call to the next is left for the next.
  [[nodiscard]] bool has_changed();

 private:
  const std::filesystem::path file_;
  FileStamp seen_;
  std::optional<FileStamp> told_;
};

}  // namespace dske
