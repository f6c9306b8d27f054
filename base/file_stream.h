// Files read and written in pieces.
#pragma once

#include <filesystem>
#include <memory>
#include <utility>

#include <sys/types.h>

#include "base/byte_stream.h"
#include "base/file.h"

namespace dske {

/// Reads a regular file.
class FileSource final : public ByteSource {
 public:
  /// ErrorKind::not_found if there is no such file.
  [[nodiscard]] static Result<std::unique_ptr<FileSource>> open(const std::filesystem::path& path);

  [[nodiscard]] Result<std::size_t> read(MutableByteView bytes) override;

 private:
  FileSource(FileDescriptor file, std::filesystem::path path)
      : file_(std::move(file)), path_(std::move(path)) {}

  FileDescriptor file_;
  std::filesystem::path path_;
};

/// Makes a file that appears under its name when it is finished, whole and durable, and not at all otherwise.
/// What was written of an unfinished one is wiped.
class FileSink final : public ByteSink {
 public:
  /// `path` may exist: it is replaced.
  [[nodiscard]] static Result<std::unique_ptr<FileSink>> create(const std::filesystem::path& path,
                                                                mode_t mode);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  [[nodiscard]] Result<void> write(ByteView bytes) override;
  [[nodiscard]] Result<void> finish() override;

 private:
  FileSink(FileDescriptor file, std::filesystem::path temporary, std::filesystem::path path)
      : file_(std::move(file)), temporary_(std::move(temporary)), path_(std::move(path)) {}

  FileDescriptor file_;
  std::filesystem::path temporary_;
  std::filesystem::path path_;
  std::size_t not_written_out_ = 0;
};

/// Moves a file of secrets, also to another file system: there it is copied, and what was copied is wiped.
[[nodiscard]] Result<void> move_private_file(const std::filesystem::path& from,
                                             const std::filesystem::path& to);

}  // namespace dske
