#include "kme/directory_watch.h"

#include <array>
#include <cerrno>

#include <sys/inotify.h>
#include <unistd.h>

namespace dske::kme {

Result<DirectoryWatch> DirectoryWatch::open(const std::filesystem::path& directory) {
  FileDescriptor inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.is_open()) return io_error("cannot watch " + directory.string(), errno);
  if (::inotify_add_watch(inotify.get(), directory.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
    return io_error("cannot watch " + directory.string(), errno);
  }
  return DirectoryWatch(std::move(inotify));
}

void DirectoryWatch::drain() const {
  std::array<char, 4096> events{};
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
}

}  // namespace dske::kme
