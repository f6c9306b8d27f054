#include "base/file.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/random.h"

namespace dske {
namespace {

Result<void> write_all(int fd, ByteView contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t count = ::write(fd, contents.data(), contents.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot write " + path, errno);
    contents = contents.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Error io_error(const std::string& doing, int error_number) {
  return {ErrorKind::io, doing + ": " + std::generic_category().message(error_number)};
}

FileDescriptor::~FileDescriptor() {
  close();
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<SecretBytes> read_file(const std::filesystem::path& path, std::size_t most_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return io_error("cannot open " + path.string(), errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return io_error("cannot read " + path.string(), errno);
  if (!S_ISREG(status.st_mode)) return invalid(path.string() + " is not a regular file");
  if (static_cast<std::size_t>(status.st_size) > most_bytes) {
    return invalid(path.string() + " is larger than " + std::to_string(most_bytes) + " bytes");
  }
  SecretBytes contents(static_cast<std::size_t>(status.st_size));
  std::size_t filled = 0;
  while (filled < contents.size()) {
    const ssize_t count = ::read(file.get(), contents.data() + filled, contents.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot read " + path.string(), errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  contents.resize(filled);
  return contents;
}

Result<void> write_file_atomically(const std::filesystem::path& path, ByteView contents, mode_t mode) {
  SystemRandomness randomness;
  std::array<std::uint8_t, 8> suffix{};
  randomness.fill(suffix);
  const std::string temporary = path.string() + "." + hex_text(suffix) + ".tmp";
  {
    const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file.is_open()) return io_error("cannot create " + temporary, errno);
    auto written = write_all(file.get(), contents, temporary);
    if (written && ::fsync(file.get()) != 0) written = io_error("cannot write " + temporary, errno);
    if (!written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = io_error("cannot rename to " + path.string(), errno);
    ::unlink(temporary.c_str());
    return error;
  }
  return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

Result<void> make_private_directories(const std::filesystem::path& path) {
  std::filesystem::path made;
  for (const auto& part : path) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) == 0) continue;
    const int reason = errno;
    std::error_code ignored;
    if (!std::filesystem::is_directory(made, ignored)) {
      return io_error("cannot make the directory " + made.string(), reason);
    }
  }
  return {};
}

Result<void> wipe_and_remove_file(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) return io_error("cannot wipe " + path.string(), errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return io_error("cannot wipe " + path.string(), errno);
  if (!S_ISREG(status.st_mode)) return invalid(path.string() + " is not a regular file");
  const std::array<std::uint8_t, 16384> zeros{};
  for (auto left = static_cast<std::size_t>(status.st_size); left > 0;) {
    const std::size_t count = left < zeros.size() ? left : zeros.size();
    if (auto written = write_all(file.get(), ByteView(zeros).first(count), path.string()); !written)
      return written;
    left -= count;
  }
  if (::fsync(file.get()) != 0) return io_error("cannot wipe " + path.string(), errno);
  if (::unlink(path.c_str()) != 0) return io_error("cannot remove " + path.string(), errno);
  return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::fsync(opened.get()) != 0)
    return io_error("cannot flush " + directory.string(), errno);
  return {};
}

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory) {
  const std::string path = (directory / "lock").string();
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open()) return io_error("cannot open " + path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io_error("cannot lock " + path, errno);
    return Error{ErrorKind::conflict, directory.string() + " is in use by another process"};
  }
  return DirectoryLock(std::move(file));
}

}  // namespace dske
