// Tells when files arrive in a directory.
#pragma once

#include <filesystem>
#include <functional>

#include "base/file.h"
#include "base/result.h"

namespace dske::kme {

/// Watches for files that are completely written (closed, or renamed into it), by inotify.
class DirectoryWatch {
 public:
  [[nodiscard]] static Result<DirectoryWatch> open(const std::filesystem::path& directory);

  /// Readable when something has arrived.
  [[nodiscard]] int descriptor() const { return inotify_.get(); }
  /// Forgets what has arrived so far. Does not wait.
  void drain() const;

 private:
  explicit DirectoryWatch(FileDescriptor inotify) : inotify_(std::move(inotify)) {}
  FileDescriptor inotify_;
};

}  // namespace dske::kme
