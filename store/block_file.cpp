#include "store/block_file.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/aes_gcm.h"
#include "base/fault_point.h"

namespace dske::store {
namespace {

// Read or wiped at once: whole pieces.
constexpr std::uint64_t kPiecesAtOnce = 256;

Result<void> read_at(int file, MutableByteView bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot read " + path, errno);
    if (count == 0) return Error{ErrorKind::corrupt, path + " is cut off"};
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> write_at(int file, ByteView bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot write " + path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

Result<FileDescriptor> BlockFile::open(int flags) const {
  FileDescriptor file(::open(path_.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
  if (file.is_open()) return file;
  if (errno == ENOENT) return Error{ErrorKind::corrupt, path_.string() + " is missing"};
  return io_error("cannot open " + path_.string(), errno);
}

Result<void> BlockFile::check() const {
  const auto file = open(O_RDONLY);
  if (!file) return file.error();
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return io_error("cannot look at " + path_.string(), errno);
  if (static_cast<std::uint64_t>(status.st_size) != zones_.file_bytes()) {
    return Error{ErrorKind::corrupt, path_.string() + " has another size than its block"};
  }
  return {};
}

Result<SecretBytes> BlockFile::read(std::uint64_t position, std::uint64_t size) const {
  if (size == 0) return SecretBytes();
  const auto file = open(O_RDONLY);
  if (!file) return file.error();
  AesGcm cipher(key_.view());
  SecretBytes wanted;
  wanted.reserve(size);
  const std::uint64_t end = position + size;
  Bytes sealed;
  SecretBytes plain(kPsrdPieceBytes);
  while (position < end) {
    const SealedZones::Piece first = zones_.piece_at(position);
    const std::uint64_t last_position = std::min(end, first.position + kPiecesAtOnce * kPsrdPieceBytes) - 1;
    const SealedZones::Piece last = zones_.piece_at(last_position);
    assert(first.zone == last.zone);
    sealed.resize(last.offset + last.sealed_size() - first.offset);
    if (auto read = read_at(file->get(), sealed, first.offset, path_.string()); !read) return read.error();
    for (std::uint64_t number = first.number; number <= last.number; ++number) {
      const SealedZones::Piece piece =
          zones_.piece_at(first.position + (number - first.number) * kPsrdPieceBytes);
      const ByteView bytes = ByteView(sealed).subspan(piece.offset - first.offset, piece.sealed_size());
      const MutableByteView out = plain.span().first(piece.size);
      if (auto opened = cipher.open(piece.nonce(), block_.uuid().bytes(), bytes, out); !opened) {
        return opened.error().within("PSRD block " + block_.text() + ", bytes from " +
                                     std::to_string(piece.position));
      }
      const std::uint64_t from = std::max(position, piece.position);
      const std::uint64_t to = std::min(end, piece.end());
      wanted.append(ByteView(out).subspan(from - piece.position, to - from));
    }
    position = last.end();
  }
  return wanted;
}

Result<void> BlockFile::wipe(std::uint64_t begin, std::uint64_t end) const {
  if (begin >= end) return {};
  if (fails_at(FaultPoint::block_wipe)) return io_error("cannot write " + path_.string(), errno);
  const auto file = open(O_WRONLY);
  if (!file) return file.error();
  const std::uint64_t from = zones_.piece_at(begin).offset;
  const SealedZones::Piece last = zones_.piece_at(end - 1);
  assert(zones_.piece_at(begin).zone == last.zone && zones_.piece_at(begin).position == begin);
  const std::uint64_t to = last.offset + last.sealed_size();
  const Bytes zeros(std::min<std::uint64_t>(to - from, std::uint64_t{1} << 20));
  for (std::uint64_t offset = from; offset < to; offset += zeros.size()) {
    const ByteView part = ByteView(zeros).first(std::min<std::uint64_t>(zeros.size(), to - offset));
    if (auto written = write_at(file->get(), part, offset, path_.string()); !written) return written;
  }
  return {};
}

Result<void> BlockFile::sync() const {
  const auto file = open(O_WRONLY);
  if (!file) return file.error();
  if (::fdatasync(file->get()) != 0) return io_error("cannot flush " + path_.string(), errno);
  pass(FaultPoint::block_wiped);
  return {};
}

}  // namespace dske::store
