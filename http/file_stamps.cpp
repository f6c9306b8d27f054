#include "http/file_stamps.h"

#include <sys/stat.h>

namespace dske::http {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::vector<FileStamp> stamps_of(const std::vector<std::string>& files) {
  std::vector<FileStamp> stamps;
  stamps.reserve(files.size());
  for (const std::string& file : files) {
    struct stat status {};
    FileStamp stamp;
    if (::stat(file.c_str(), &status) == 0) {
      stamp = {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
               static_cast<std::int64_t>(status.st_size), nanoseconds(status.st_mtim),
               nanoseconds(status.st_ctim)};
    }
    stamps.push_back(stamp);
  }
  return stamps;
}

}  // namespace dske::http
