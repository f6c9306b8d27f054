// Files as the daemons use them: bounded reads, atomic writes, locks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske {

/// An open file descriptor that is closed on destruction.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  /// Gives the descriptor away: the caller closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void close();

 private:
  int fd_ = -1;
};

/// The whole of a regular file of at most `most_bytes`.
[[nodiscard]] Result<SecretBytes> read_file(const std::filesystem::path& path, std::size_t most_bytes);

/// ErrorKind::not_found if there is no such file, ErrorKind::invalid if anybody but its owner has rights to
/// it. `what` is its name in errors, "node key" for example.
[[nodiscard]] Result<void> check_private_file(const std::filesystem::path& path, const std::string& what);

/// Replaces or makes a file so that a reader sees the old contents or the new, and a power loss leaves one of
/// them: writes beside it, fsyncs, renames, fsyncs the directory.
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path, ByteView contents,
                                                 mode_t mode);

/// The same of contents that depend on the file which is to hold them: `contents` gets it while it is empty.
[[nodiscard]] Result<void> write_file_atomically(
    const std::filesystem::path& path, const std::function<std::string(const FileDescriptor&)>& contents,
    mode_t mode);

/// When a file was made, in nanoseconds since 1970. Nobody can set it: a copy, also one that a backup
/// restored with all its other times, has another. Nothing where the file system does not keep it.
[[nodiscard]] std::optional<std::int64_t> birth_time_ns(const FileDescriptor& file);

/// Wipes and removes what a process that died within write_file_atomically() left beside its files, in a
/// directory and all below it. To be called while nobody writes there: by who holds the directory's lock,
/// before it does anything else. Answers how many there were.
[[nodiscard]] Result<std::size_t> wipe_unfinished_files(const std::filesystem::path& directory);

/// Makes a directory with its missing parents; those it makes get mode 0700.
[[nodiscard]] Result<void> make_private_directories(const std::filesystem::path& path);

/// Overwrites a file's contents with zeros, fsyncs and removes it. What a copy-on-write or flash layer below
/// keeps is beyond its reach.
[[nodiscard]] Result<void> wipe_and_remove_file(const std::filesystem::path& path);

/// Lets the operating system begin to write out what was written to a file, so that a later fsync waits for
/// less. Where it cannot, nothing happens.
void start_writing_out(int file);

/// Flushes a directory's entries to disk.
[[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory);

/// An exclusive lock on a state directory, held until destruction or the end of the process: by a file in it.
class DirectoryLock {
 public:
  /// ErrorKind::conflict if another process holds it.
  [[nodiscard]] static Result<DirectoryLock> take(const std::filesystem::path& directory);

 private:
  explicit DirectoryLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

/// The text of an errno value with what was being done: "cannot open /x: No such file or directory".
[[nodiscard]] Error io_error(const std::string& doing, int error_number);

}  // namespace dske
