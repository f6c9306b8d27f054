#include "dske/psrd_pool.h"

#include <algorithm>
#include <cassert>

namespace dske {
namespace {

// How much is leased ahead, so that few messages wait for the disk and a crash loses little: a sixteenth of
// the zone within these bounds.
std::uint64_t lease_reserve(Zone zone, std::uint64_t zone_size) {
  const std::uint64_t least = zone == Zone::authenticator ? 1024 : 8192;
  const std::uint64_t most = zone == Zone::authenticator ? 65536 : 1048576;
  return std::clamp(zone_size / 16, least, most);
}

}  // namespace

void PsrdPool::add_block(PsrdBlock block, bool allocatable) {
  assert(!has_block(block.id) && block.bytes != nullptr);
  Block added{block.id, block.layout, std::move(block.bytes), allocatable, {}, {}, false};
  for (const Zone zone : kZones) {
    const std::uint64_t next = block.lease_end[zone];
    added.own[zone] = {next, next, block.layout.end(own_, zone), next, {}};
    const std::uint64_t floor = block.floor[zone];
    added.peer[zone] = {floor, block.layout.end(other_side(own_), zone), floor, false, {}};
  }
  blocks_.push_back(std::move(added));
}

void PsrdPool::set_allocatable(const BlockId& block) {
  if (Block* found = find(block)) found->allocatable = !found->damaged;
}

void PsrdPool::set_aside(const BlockId& block) {
  if (Block* found = find(block)) found->allocatable = false;
}

void PsrdPool::set_damaged(const BlockId& block) {
  if (Block* found = find(block)) {
    found->damaged = true;
    found->allocatable = false;
  }
}

void PsrdPool::remove_block(const BlockId& block) {
  std::erase_if(blocks_, [&](const Block& candidate) { return candidate.id == block; });
}

std::vector<BlockId> PsrdPool::blocks() const {
  std::vector<BlockId> ids;
  ids.reserve(blocks_.size());
  for (const Block& block : blocks_) ids.push_back(block.id);
  return ids;
}

std::vector<BlockId> PsrdPool::allocatable_blocks() const {
  std::vector<BlockId> ids;
  for (const Block& block : blocks_) {
    if (block.allocatable) ids.push_back(block.id);
  }
  return ids;
}

Result<Reserved> PsrdPool::allocate(Zone zone, std::uint64_t size) {
  std::uint64_t leased = 0;
  std::uint64_t left = 0;
  for (const Block& block : blocks_) {
    if (!block.allocatable) continue;
    leased += block.own[zone].lease_end - block.own[zone].next;
    left += block.own[zone].end - block.own[zone].next;
  }
  if (left < size) {
    return Error{ErrorKind::exhausted, std::string("PSRD is used up: ") + std::to_string(left) +
                                           " bytes left for " +
                                           (zone == Zone::pad ? "pads" : "authenticators") + ", " +
                                           std::to_string(size) + " needed"};
  }
  if (leased < size) return Error{ErrorKind::unavailable, "a PSRD lease must be extended first"};
  if (pieces(zone, size) > kFragmentsMost) {
    return Error{ErrorKind::exhausted, "the PSRD blocks are too small: " + std::to_string(size) +
                                           " bytes lie in more than " + std::to_string(kFragmentsMost) +
                                           " pieces"};
  }
  Reserved reserved;
  reserved.bytes.reserve(size);
  for (Block& block : blocks_) {
    OwnZone& own = block.own[zone];
    const std::uint64_t count = std::min(size - reserved.bytes.size(), own.lease_end - own.next);
    if (!block.allocatable || count == 0) continue;
    reserved.allocation.push_back({block.id, own.next, count});
    own.leased.take(own.next, count, reserved.bytes);
    own.next += count;
    if (reserved.bytes.size() == size) break;
  }
  return reserved;
}

std::size_t PsrdPool::pieces(Zone zone, std::uint64_t size) const {
  std::size_t count = 0;
  for (const Block& block : blocks_) {
    const std::uint64_t leased = block.own[zone].lease_end - block.own[zone].next;
    if (!block.allocatable || leased == 0 || size == 0) continue;
    ++count;
    size -= std::min(size, leased);
  }
  return count;
}

std::vector<PsrdLease> PsrdPool::lease_wish(Zone zone, std::uint64_t size) const {
  std::vector<PsrdLease> wishes;
  std::uint64_t leased = 0;
  for (const Block& block : blocks_) {
    const OwnZone& own = block.own[zone];
    // A zone that is used up gets no further lease that would wipe the last of it on disk.
    if (own.next == own.end && own.wiped_to < own.end)
      wishes.push_back({block.id, zone, own.end, own.end, own.end});
    if (block.allocatable) leased += block.own[zone].lease_end - block.own[zone].next;
  }
  for (const Block& block : blocks_) {
    const OwnZone& own = block.own[zone];
    const std::uint64_t reserve = lease_reserve(zone, own.end - block.layout.begin(own_, zone));
    if (leased >= size + reserve / 2) break;
    if (!block.allocatable || own.lease_end == own.end) continue;
    const std::uint64_t wanted =
        std::min(own.end, own.lease_end + (size > leased ? size - leased : 0) + reserve);
    const std::uint64_t end = block.layout.piece_end(own_, zone, wanted);
    wishes.push_back({block.id, zone, own.lease_end, end, own.next});
    leased += end - own.lease_end;
  }
  return wishes;
}

void PsrdPool::leased(const PsrdLease& lease, SecretBytes bytes) {
  Block* block = find(lease.block);
  if (block == nullptr) return;
  OwnZone& own = block->own[lease.zone];
  own.leased.append(lease.begin, std::move(bytes));
  own.leased.drop_below(own.next);  // some may have been skipped meanwhile
  own.lease_end = std::max(own.lease_end, lease.end);
  own.wiped_to = std::max(own.wiped_to, lease.used_to);
}

std::vector<PsrdReturn> PsrdPool::lease_return() const {
  std::vector<PsrdReturn> returns;
  for (const Block& block : blocks_) {
    for (const Zone zone : kZones) {
      const OwnZone& own = block.own[zone];
      if (own.next < own.lease_end || own.wiped_to < own.next) {
        returns.push_back({block.id, zone, own.next, own.leased.copy_from(own.next)});
      }
    }
  }
  return returns;
}

Result<void> PsrdPool::check(Zone zone, const Fragment& fragment) const {
  const Error refused{ErrorKind::unauthenticated,
                      "a fragment that is not of the sender's " +
                          std::string(zone == Zone::pad ? "pad" : "authenticator") +
                          " zone or has been used: " + allocation_text({fragment})};
  const Block* block = find(fragment.block);
  if (block == nullptr) return refused;
  const PeerZone& peer = block->peer[zone];
  if (fragment.size == 0 || fragment.start < peer.floor || fragment.end() > peer.end) return refused;
  const auto after = peer.used.lower_bound(fragment.end());
  if (after != peer.used.begin() && std::prev(after)->second > fragment.start) return refused;
  return {};
}

Result<PsrdPool::Sources> PsrdPool::locate(Zone zone, const Allocation& allocation) const {
  Sources sources;
  sources.reserve(allocation.size());
  for (const Fragment& fragment : allocation) {
    if (auto checked = check(zone, fragment); !checked) return checked.error();
    sources.emplace_back(find(fragment.block)->bytes, fragment);
  }
  return sources;
}

Result<SecretBytes> PsrdPool::read(const Sources& sources) {
  SecretBytes bytes;
  for (const auto& [source, fragment] : sources) {
    const auto read = source->read(fragment.start, fragment.size);
    if (!read) return read.error();
    bytes.append(read->view());
  }
  return bytes;
}

Result<void> PsrdPool::mark_taken(Zone zone, const Allocation& allocation) {
  const auto sources = locate(zone, allocation);
  if (!sources) return sources.error();
  for (const auto& [source, fragment] : *sources) {
    source->forget(fragment.start, fragment.size);
    mark_used(find(fragment.block)->peer[zone], fragment.start, fragment.end());
  }
  return {};
}

Result<SecretBytes> PsrdPool::peek(Zone zone, const Allocation& allocation) const {
  const auto sources = locate(zone, allocation);
  if (!sources) return sources.error();
  return read(*sources);
}

Result<SecretBytes> PsrdPool::take(Zone zone, const Allocation& allocation) {
  auto bytes = peek(zone, allocation);
  if (!bytes) return bytes;
  if (auto marked = mark_taken(zone, allocation); !marked) return marked.error();
  return bytes;
}

void PsrdPool::mark_used(PeerZone& zone, std::uint64_t begin, std::uint64_t end) {
  zone.highest_seen = std::max(zone.highest_seen, end);
  const auto after = zone.used.find(end);
  if (after != zone.used.end()) {
    end = after->second;
    zone.used.erase(after);
  }
  const auto next = zone.used.lower_bound(begin);
  if (next != zone.used.begin() && std::prev(next)->second == begin) {
    std::prev(next)->second = end;
  } else {
    zone.used.emplace(begin, end);
  }
  const auto lowest = zone.used.begin();
  if (lowest->first == zone.floor) {
    zone.floor = lowest->second;
    zone.risen = true;
    zone.used.erase(lowest);
  }
}

void PsrdPool::raise_floor(const BlockId& id, Zone zone, std::uint64_t floor) {
  Block* block = find(id);
  if (block == nullptr) return;
  PeerZone& peer = block->peer[zone];
  floor = std::min(floor, peer.end);
  if (floor <= peer.floor) return;
  while (!peer.used.empty() && peer.used.begin()->first <= floor) {
    floor = std::max(floor, peer.used.begin()->second);
    peer.used.erase(peer.used.begin());
  }
  block->bytes->forget(peer.floor, floor - peer.floor);
  peer.floor = floor;
  peer.highest_seen = std::max(peer.highest_seen, floor);
  peer.risen = true;
}

bool PsrdPool::skip_used(const BlockId& id, Zone zone, std::uint64_t position) {
  Block* block = find(id);
  if (block == nullptr) return false;
  OwnZone& own = block->own[zone];
  position = std::min(position, own.end);
  if (position <= own.next) return false;
  own.leased.drop_below(position);
  own.next = position;
  own.lease_end = std::max(own.lease_end, position);
  return true;
}

std::uint64_t PsrdPool::next(const BlockId& block, Zone zone) const {
  const Block* found = find(block);
  return found == nullptr ? 0 : found->own[zone].next;
}

std::uint64_t PsrdPool::highest_seen(const BlockId& block, Zone zone) const {
  const Block* found = find(block);
  return found == nullptr ? 0 : found->peer[zone].highest_seen;
}

std::vector<PsrdFloor> PsrdPool::take_risen_floors() {
  std::vector<PsrdFloor> risen;
  for (Block& block : blocks_) {
    for (const Zone zone : kZones) {
      PeerZone& peer = block.peer[zone];
      if (peer.risen) risen.push_back({block.id, zone, peer.floor});
      peer.risen = false;
    }
  }
  return risen;
}

ZoneLevel PsrdPool::level_of(const Block& block, Side side, Zone zone) const {
  ZoneLevel level{0, block.layout.size(side, zone)};
  if (side == own_) {
    level.left_bytes = block.own[zone].end - block.own[zone].next;
  } else {
    level.left_bytes = block.peer[zone].end - block.peer[zone].highest_seen;
  }
  return level;
}

ZoneLevel PsrdPool::level(Side side, Zone zone) const {
  ZoneLevel sum;
  for (const Block& block : blocks_) {
    const ZoneLevel one = level_of(block, side, zone);
    sum.left_bytes += one.left_bytes;
    sum.total_bytes += one.total_bytes;
  }
  return sum;
}

std::uint64_t PsrdPool::bytes_in_memory() const {
  std::uint64_t bytes = 0;
  for (const Block& block : blocks_) {
    for (const Zone zone : kZones) bytes += block.own[zone].leased.size();
  }
  return bytes;
}

ZoneLevel PsrdPool::block_level(const BlockId& block, Side side, Zone zone) const {
  const Block* found = find(block);
  return found == nullptr ? ZoneLevel{} : level_of(*found, side, zone);
}

const PsrdPool::Block* PsrdPool::find(const BlockId& id) const {
  const auto found =
      std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& block) { return block.id == id; });
  return found == blocks_.end() ? nullptr : &*found;
}

PsrdPool::Block* PsrdPool::find(const BlockId& id) {
  return const_cast<Block*>(std::as_const(*this).find(id));
}

}  // namespace dske
