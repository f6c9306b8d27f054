#include "base/file_stream.h"

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fault_point.h"
#include "base/random.h"

namespace dske {

Result<std::unique_ptr<FileSource>> FileSource::open(const std::filesystem::path& path) {
  // Not blocking: a named pipe is refused below, not waited for.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) {
    if (errno == ENOENT) return Error{ErrorKind::not_found, "there is no file " + path.string()};
    return io_error("cannot open " + path.string(), errno);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return io_error("cannot look at " + path.string(), errno);
  if (!S_ISREG(status.st_mode)) return invalid(path.string() + " is not a regular file");
  return std::unique_ptr<FileSource>(new FileSource(std::move(file), path));
}

Result<std::size_t> FileSource::read(MutableByteView bytes) {
  while (true) {
    const ssize_t count = ::read(file_.get(), bytes.data(), bytes.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return io_error("cannot read " + path_.string(), errno);
  }
}

Result<std::unique_ptr<FileSink>> FileSink::create(const std::filesystem::path& path, mode_t mode) {
  const std::filesystem::path temporary =
      path.string() + "." + hex_text(SystemRandomness().bytes(8).view()) + ".tmp";
  if (fails_at(FaultPoint::file_create)) return io_error("cannot create " + temporary.string(), errno);
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.is_open()) return io_error("cannot create " + temporary.string(), errno);
  return std::unique_ptr<FileSink>(new FileSink(std::move(file), temporary, path));
}

FileSink::~FileSink() {
  if (!file_.is_open()) return;
  file_.close();
  [[maybe_unused]] const auto wiped = wipe_and_remove_file(temporary_);
}

Result<void> FileSink::write(ByteView bytes) {
  if (fails_at(FaultPoint::file_write)) return io_error("cannot write " + temporary_.string(), errno);
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot write " + temporary_.string(), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    not_written_out_ += static_cast<std::size_t>(count);
  }
  constexpr std::size_t kWriteOutBytes = std::size_t{8} << 20;
  if (not_written_out_ >= kWriteOutBytes) {
    start_writing_out(file_.get());
    not_written_out_ = 0;
  }
  return {};
}

Result<void> FileSink::finish() {
  if (fails_at(FaultPoint::file_sync) || ::fsync(file_.get()) != 0)
    return io_error("cannot write " + temporary_.string(), errno);
  if (fails_at(FaultPoint::file_rename) || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return io_error("cannot rename to " + path_.string(), errno);
  }
  file_.close();
  if (auto synced = sync_directory(path_.has_parent_path() ? path_.parent_path() : "."); !synced)
    return synced;
  pass(FaultPoint::file_done);
  return {};
}

Result<void> move_private_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) {
    return sync_directory(to.has_parent_path() ? to.parent_path() : ".");
  }
  if (errno != EXDEV) return io_error("cannot move " + from.string() + " to " + to.string(), errno);
  auto source = FileSource::open(from);
  if (!source) return source.error();
  auto sink = FileSink::create(to, 0600);
  if (!sink) return sink.error();
  SecretBytes part(std::size_t{1} << 20);
  while (true) {
    const auto count = (*source)->read(part.span());
    if (!count) return count.error();
    if (*count == 0) break;
    if (auto written = (*sink)->write(part.view().first(*count)); !written) return written;
  }
  if (auto finished = (*sink)->finish(); !finished) return finished;
  return wipe_and_remove_file(from);
}

}  // namespace dske
