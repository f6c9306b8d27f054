#include "base/file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fault_point.h"
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

Result<void> check_private_file(const std::filesystem::path& path, const std::string& what) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const int reason = errno;
    Error error = io_error("cannot read the " + what + " " + path.string(), reason);
    if (reason == ENOENT) error.kind = ErrorKind::not_found;
    return error;
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return invalid("others can read the " + what + " " + path.string() + ": chmod 600 it");
  }
  return {};
}

namespace {

constexpr std::string_view kUnfinished = ".tmp";
constexpr std::size_t kSuffixBytes = 8;

std::string unfinished_name(const std::filesystem::path& path) {
  SystemRandomness randomness;
  std::array<std::uint8_t, kSuffixBytes> suffix{};
  randomness.fill(suffix);
  return path.string() + "." + hex_text(suffix) + std::string(kUnfinished);
}

// Whether the name ends as those of unfinished_name().
bool is_unfinished(const std::string& name) {
  constexpr std::size_t kDigits = 2 * kSuffixBytes;
  if (name.size() <= 1 + kDigits + kUnfinished.size() || !name.ends_with(kUnfinished)) return false;
  const std::string_view end = std::string_view(name).substr(name.size() - kUnfinished.size() - kDigits - 1);
  return end.front() == '.' &&
         end.substr(1, kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<void> write_unfinished(
    const std::filesystem::path& path, mode_t mode,
    const std::function<Result<void>(const FileDescriptor&, const std::string&)>& write) {
  const std::string temporary = unfinished_name(path);
  {
    if (fails_at(FaultPoint::file_create)) return io_error("cannot create " + temporary, errno);
    const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file.is_open()) return io_error("cannot create " + temporary, errno);
    auto written = fails_at(FaultPoint::file_write) ? io_error("cannot write " + temporary, errno)
                                                    : write(file, temporary);
    if (written && (fails_at(FaultPoint::file_sync) || ::fsync(file.get()) != 0))
      written = io_error("cannot write " + temporary, errno);
    if (!written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (fails_at(FaultPoint::file_rename) || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = io_error("cannot rename to " + path.string(), errno);
    ::unlink(temporary.c_str());
    return error;
  }
  if (auto synced = sync_directory(path.has_parent_path() ? path.parent_path() : "."); !synced) return synced;
  pass(FaultPoint::file_done);
  return {};
}

}  // namespace

Result<std::size_t> wipe_unfinished_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> unfinished;
  std::error_code failure;
  for (std::filesystem::recursive_directory_iterator entry(directory, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (is_unfinished(entry->path().filename().string())) unfinished.push_back(entry->path());
  }
  if (failure) return io_error("cannot read " + directory.string(), failure.value());
  for (const std::filesystem::path& path : unfinished) {
    if (auto wiped = wipe_and_remove_file(path); !wiped) return wiped.error();
  }
  return unfinished.size();
}

std::optional<std::int64_t> birth_time_ns(const FileDescriptor& file) {
  struct statx status {};
  if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0) return std::nullopt;
  if ((status.stx_mask & STATX_BTIME) == 0) return std::nullopt;
  return status.stx_btime.tv_sec * 1'000'000'000 + status.stx_btime.tv_nsec;
}

Result<void> write_file_atomically(const std::filesystem::path& path, ByteView contents, mode_t mode) {
  return write_unfinished(path, mode, [&](const FileDescriptor& file, const std::string& name) {
    return write_all(file.get(), contents, name);
  });
}

Result<void> write_file_atomically(const std::filesystem::path& path,
                                   const std::function<std::string(const FileDescriptor&)>& contents,
                                   mode_t mode) {
  return write_unfinished(path, mode, [&](const FileDescriptor& file, const std::string& name) {
    return write_all(file.get(), as_bytes(contents(file)), name);
  });
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
  if (fails_at(FaultPoint::wipe_write)) return io_error("cannot wipe " + path.string(), errno);
  const Bytes zeros(std::min<std::size_t>(static_cast<std::size_t>(status.st_size), std::size_t{1} << 20));
  for (auto left = static_cast<std::size_t>(status.st_size); left > 0;) {
    const std::size_t count = left < zeros.size() ? left : zeros.size();
    if (auto written = write_all(file.get(), ByteView(zeros).first(count), path.string()); !written)
      return written;
    left -= count;
    if (left > 0) start_writing_out(file.get());
  }
  if (fails_at(FaultPoint::wipe_sync) || ::fsync(file.get()) != 0)
    return io_error("cannot wipe " + path.string(), errno);
  if (fails_at(FaultPoint::wipe_remove) || ::unlink(path.c_str()) != 0)
    return io_error("cannot remove " + path.string(), errno);
  if (auto synced = sync_directory(path.has_parent_path() ? path.parent_path() : "."); !synced) return synced;
  pass(FaultPoint::wipe_done);
  return {};
}

void start_writing_out(int file) {
  [[maybe_unused]] const int begun = ::sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || fails_at(FaultPoint::file_sync_directory) || ::fsync(opened.get()) != 0)
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
