#include "base/file_stamp.h"

#include <utility>

#include <sys/stat.h>

namespace dske {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileStamp stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
          static_cast<std::int64_t>(status.st_size), nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

std::vector<FileStamp> stamps_of(const std::vector<std::string>& files) {
  std::vector<FileStamp> stamps;
  stamps.reserve(files.size());
  for (const std::string& file : files) stamps.push_back(stamp_of(file));
  return stamps;
}

FileWatch::FileWatch(std::filesystem::path file, First first)
    : file_(std::move(file)), seen_(stamp_of(file_)) {
  if (first == First::known) told_ = seen_;
}

bool FileWatch::has_changed() {
  const FileStamp now = stamp_of(file_);
  const bool still_changes = std::exchange(seen_, now) != now;
  if (still_changes || now == told_) return false;
  told_ = now;
  return true;
}

}  // namespace dske
