#include "store/stored_block.h"

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "dske/psrd_block.h"

namespace dske::store {

void StoredBlock::Part::wipe_between(std::uint64_t from, std::uint64_t to) {
  from = std::clamp(from, begin, end());
  to = std::clamp(to, from, end());
  wipe(bytes.span().subspan(from - begin, to - from));
}

std::uint64_t StoredBlock::copy_from_memory(Windows windows, std::uint64_t position, std::uint64_t end,
                                            SecretBytes& out) {
  const std::size_t zone = ZoneOf::at(file_.zones().layout(), position).index();
  const MutexLock lock(mutex_);
  const Part* part = &heads_[zone];
  if (!part->holds(position) && windows == Windows::used) part = &windows_[zone];
  if (!part->holds(position)) return 0;
  const std::uint64_t count = std::min(end, part->end()) - position;
  out.append(part->bytes.view().subspan(position - part->begin, count));
  return count;
}

StoredBlock::StoredBlock(BlockFile file) : file_(std::move(file)) {
  const PsrdLayout& layout = file_.zones().layout();
  for (const Side side : {Side::client, Side::hub}) {
    for (const Zone zone : kZones) note_wiped({side, zone}, layout.begin(side, zone));
  }
}

Result<SecretBytes> StoredBlock::read(std::uint64_t position, std::uint64_t size) {
  return read_by(Windows::used, position, size);
}

Result<SecretBytes> StoredBlock::read_durable(std::uint64_t position, std::uint64_t size) {
  return read_by(Windows::not_used, position, size);
}

Result<SecretBytes> StoredBlock::read_by(Windows windows, std::uint64_t position, std::uint64_t size) {
  const PsrdLayout& layout = file_.zones().layout();
  if (position > layout.total() || size > layout.total() - position) {
    return Error{ErrorKind::corrupt, "PSRD beyond its block's end"};
  }
  SecretBytes wanted;
  wanted.reserve(size);
  const std::uint64_t end = position + size;
  std::optional<std::uint64_t> failed_at;
  while (position < end) {
    if (const std::uint64_t count = copy_from_memory(windows, position, end, wanted); count > 0) {
      position += count;
      continue;
    }
    const SealedZones::Piece piece = file_.zones().piece_at(position);
    const std::uint64_t zone_end = layout.end(piece.zone.side, piece.zone.zone);
    const bool large = end - position > kWindowBytes || windows == Windows::not_used;
    const std::uint64_t from = large ? position : piece.position;
    const std::uint64_t to = std::min(zone_end, large ? end : piece.position + kWindowBytes);
    auto read = file_.read(from, to - from);
    if (!read) {
      // Its piece may have become the zone's head, and been wiped, since memory was looked at.
      if (read.error().kind == ErrorKind::corrupt && failed_at != position) {
        failed_at = position;
        continue;
      }
      return read.error();
    }
    const std::uint64_t count = std::min(end, to) - position;
    wanted.append(read->view().subspan(position - from, count));
    position += count;
    if (large) continue;
    const MutexLock lock(mutex_);
    windows_[piece.zone.index()] = {from, std::move(*read)};
  }
  return wanted;
}

void StoredBlock::forget(std::uint64_t position, std::uint64_t size) {
  if (size == 0) return;
  const std::size_t zone = ZoneOf::at(file_.zones().layout(), position).index();
  const MutexLock lock(mutex_);
  Part& window = windows_[zone];
  window.wipe_between(position, position + size);
  if (position <= window.begin && position + size >= window.end()) window = Part();
}

void StoredBlock::set_head(std::uint64_t position, SecretBytes bytes) {
  const std::size_t zone = ZoneOf::at(file_.zones().layout(), position).index();
  const MutexLock lock(mutex_);
  heads_[zone] = {position, std::move(bytes)};
}

void StoredBlock::drop_head(const ZoneOf& zone) {
  const MutexLock lock(mutex_);
  heads_[zone.index()] = Part();
}

void StoredBlock::wipe_used(const ZoneOf& zone, std::uint64_t end) {
  const std::uint64_t begin = wiped_to(zone);
  if (end <= begin) return;
  if (const auto wiped = file_.wipe(begin, end); !wiped) {
    log::error("used PSRD could not be wiped yet: {}", wiped.error().message);
    return;
  }
  note_wiped(zone, end);
}

}  // namespace dske::store
