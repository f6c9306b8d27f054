#include "store/block_vault.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fault_point.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"

namespace dske::store {
namespace {

constexpr const char* kSuffix = ".psrd";
constexpr std::size_t kFlushBytes = std::size_t{2} << 20;

Result<void> write_all(int file, ByteView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot write " + path.string(), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<BlockVault>> BlockVault::open(const std::filesystem::path& state_dir,
                                                     SecretBytes node_key) {
  if (node_key.size() != Sealer::kKeyBytes) return invalid("the node key must be 32 bytes");
  return std::unique_ptr<BlockVault>(new BlockVault(state_dir / "psrd", std::move(node_key)));
}

std::filesystem::path BlockVault::path_of(const BlockId& block) const {
  return directory_ / (block.text() + kSuffix);
}

Result<std::unique_ptr<BlockWriter>> BlockVault::write(const BlockId& block, const PsrdLayout& layout) {
  if (auto checked = layout.check(); !checked) return checked.error();
  if (auto made = make_private_directories(directory_); !made) return made.error();
  // A name of its own: the same block may be on its way twice, and only one of them is adopted.
  const std::filesystem::path path =
      directory_ / (block.text() + "." + hex_text(SystemRandomness().bytes(8).view()) + ".new");
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return io_error("cannot create " + path.string(), errno);
  return std::make_unique<BlockWriter>(std::move(file), path, block, layout);
}

Result<std::shared_ptr<StoredBlock>> BlockVault::adopt(const BlockWriter& written) {
  const std::filesystem::path path = path_of(written.block());
  if (fails_at(FaultPoint::block_rename) || ::rename(written.path().c_str(), path.c_str()) != 0) {
    return io_error("cannot rename to " + path.string(), errno);
  }
  if (auto synced = sync_directory(directory_); !synced) return synced.error();
  pass(FaultPoint::block_adopted);
  auto stored = std::make_shared<StoredBlock>(
      BlockFile(path, written.block(), written.layout(), SecretBytes::copy_of(written.key())));
  const MutexLock lock(mutex_);
  blocks_[written.block()] = stored;
  return stored;
}

Result<std::shared_ptr<StoredBlock>> BlockVault::load(const BlockId& block, const PsrdLayout& layout,
                                                      SecretBytes key) {
  auto stored = std::make_shared<StoredBlock>(BlockFile(path_of(block), block, layout, std::move(key)));
  if (auto checked = stored->file().check(); !checked) return checked.error();
  const MutexLock lock(mutex_);
  blocks_[block] = stored;
  return stored;
}

std::shared_ptr<StoredBlock> BlockVault::find(const BlockId& block) const {
  const MutexLock lock(mutex_);
  const auto found = blocks_.find(block);
  return found == blocks_.end() ? nullptr : found->second;
}

void BlockVault::leased(Side own, const std::vector<PsrdLease>& leases) {
  for (const PsrdLease& lease : leases) {
    if (const auto block = find(lease.block)) block->drop_head({own, lease.zone});
  }
}

void BlockVault::remove(const BlockId& block) {
  {
    const MutexLock lock(mutex_);
    blocks_.erase(block);
  }
  const std::filesystem::path path = path_of(block);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    log::warning("{}", io_error("cannot remove " + path.string(), errno).message);
  }
}

void BlockVault::remove_others(const std::vector<BlockId>& blocks) {
  std::vector<std::string> kept;
  kept.reserve(blocks.size());
  for (const BlockId& block : blocks) kept.push_back(path_of(block).filename().string());
  std::sort(kept.begin(), kept.end());
  std::error_code failure;
  for (std::filesystem::directory_iterator entry(directory_, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (std::binary_search(kept.begin(), kept.end(), name)) continue;
    if (::unlink(entry->path().c_str()) == 0) {
      log::info("removed {}, which no block of the store belongs to", entry->path().string());
    }
  }
  if (failure && failure != std::errc::no_such_file_or_directory)
    log::warning("cannot read {}: {}", directory_.string(), failure.message());
}

BlockWriter::BlockWriter(FileDescriptor file, std::filesystem::path path, const BlockId& block,
                         const PsrdLayout& layout)
    : file_(std::move(file)),
      path_(std::move(path)),
      block_(block),
      zones_(layout),
      key_(SystemRandomness().bytes(AesGcm::kKeyBytes)),
      cipher_(key_.view()) {
  sealed_.reserve(kFlushBytes + 2 * kPsrdPieceBytes);
}

BlockWriter::~BlockWriter() {
  // Once adopted, there is no file of this name any more.
  ::unlink(path_.c_str());
}

Result<void> BlockWriter::write(ByteView bytes) {
  const std::uint64_t total = zones_.layout().total();
  if (bytes.size() > total - position_ - piece_.size()) {
    return invalid("PSRD block " + block_.text() + " has more bytes than its zones");
  }
  while (!bytes.empty()) {
    const SealedZones::Piece piece = zones_.piece_at(position_);
    const std::size_t count = std::min<std::size_t>(bytes.size(), piece.size - piece_.size());
    // A whole piece is sealed where it lies.
    ByteView plain = bytes.first(count);
    bytes = bytes.subspan(count);
    if (count < piece.size) {
      piece_.append(plain);
      if (piece_.size() < piece.size) continue;
      plain = piece_.view();
    }
    const std::size_t sealed_before = sealed_.size();
    sealed_.resize(sealed_before + piece.sealed_size());
    cipher_.seal(piece.nonce(), block_.uuid().bytes(), plain,
                 MutableByteView(sealed_).subspan(sealed_before));
    position_ += piece.size;
    piece_.clear();
    if (sealed_.size() < kFlushBytes) continue;
    if (auto flushed = flush(); !flushed) return flushed;
  }
  return {};
}

Result<void> BlockWriter::flush() {
  if (fails_at(FaultPoint::block_write)) return io_error("cannot write " + path_.string(), errno);
  if (auto written = write_all(file_.get(), sealed_, path_); !written) return written;
  start_writing_out(file_.get());
  sealed_.clear();
  return {};
}

Result<void> BlockWriter::finish() {
  if (position_ != zones_.layout().total()) {
    return invalid("PSRD block " + block_.text() + " has fewer bytes than its zones");
  }
  if (auto flushed = flush(); !flushed) return flushed;
  if (fails_at(FaultPoint::block_sync) || ::fsync(file_.get()) != 0)
    return io_error("cannot write " + path_.string(), errno);
  file_.close();
  finished_ = true;
  return {};
}

}  // namespace dske::store
