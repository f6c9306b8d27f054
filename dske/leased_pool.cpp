#include "dske/leased_pool.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dske {
namespace {

const Error kClosed{ErrorKind::unavailable, "the node is stopping"};

}  // namespace

double PsrdLevels::percent() const {
  double least = blocks == 0 ? 0.0 : 100.0;
  for (const ZoneLevel& zone : {client_authenticator, client_pad, hub_authenticator, hub_pad}) {
    if (zone.total_bytes == 0) continue;
    least =
        std::min(least, 100.0 * static_cast<double>(zone.left_bytes) / static_cast<double>(zone.total_bytes));
  }
  return least;
}

std::shared_ptr<LeasedPool> LeasedPool::make(Side own, PsrdStore& store) {
  return std::shared_ptr<LeasedPool>(new LeasedPool(own, store));
}

void LeasedPool::allocate(Zone zone, std::uint64_t size, Done done) {
  Result<Reserved> reserved = kClosed;
  bool waits = false;
  {
    const MutexLock lock(mutex_);
    if (!closed_) {
      reserved = waiters_[zone].empty()
                     ? pool_.allocate(zone, size)
                     : Error{ErrorKind::unavailable, "behind others that wait for a lease"};
      waits = !reserved && reserved.error().kind == ErrorKind::unavailable;
      if (waits) waiters_[zone].push_back({size, std::move(done)});
    }
  }
  extend(zone);
  if (!waits) done(std::move(reserved));  // NOLINT(bugprone-use-after-move): moved only if it waits
}

void LeasedPool::extend(Zone zone) {
  std::vector<PsrdLease> leases;
  {
    const MutexLock lock(mutex_);
    if (extending_[zone] || closed_) return;
    std::uint64_t wanted = 0;
    for (const Waiter& waiter : waiters_[zone]) wanted += waiter.size;
    leases = pool_.lease_wish(zone, wanted);
    if (leases.empty() && waiters_[zone].empty()) return;
    extending_[zone] = true;
  }
  // With nothing to lease for them (a block is gone), those who wait are told so.
  if (leases.empty()) return serve(zone, {});
  store_.extend_leases(leases,
                       [self = shared_from_this(), zone, leases](Result<std::vector<SecretBytes>> bytes) {
                         self->extended(zone, leases, std::move(bytes));
                       });
}

void LeasedPool::extended(Zone zone, const std::vector<PsrdLease>& leases,
                          Result<std::vector<SecretBytes>> bytes) {
  const bool of_one_block =
      !bytes && (bytes.error().kind == ErrorKind::corrupt || bytes.error().kind == ErrorKind::not_found);
  // All or nothing: which block it is, single leases tell.
  if (of_one_block && leases.size() > 1) return extend_singly(zone, leases, 0, {});
  const Result<void> result = note(leases, std::move(bytes));
  serve(zone, result);
}

void LeasedPool::extend_singly(Zone zone, const std::vector<PsrdLease>& leases, std::size_t index,
                               const Result<void>& result) {
  if (index == leases.size()) return serve(zone, result);
  const std::vector<PsrdLease> one{leases[index]};
  store_.extend_leases(one, [self = shared_from_this(), zone, leases, index, result,
                             one](Result<std::vector<SecretBytes>> bytes) {
    const Result<void> noted = self->note(one, std::move(bytes));
    self->extend_singly(zone, leases, index + 1, result ? noted : result);
  });
}

Result<void> LeasedPool::note(const std::vector<PsrdLease>& leases, Result<std::vector<SecretBytes>> bytes) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < leases.size(); ++i) {
    const BlockId& block = leases[i].block;
    if (bytes) {
      pool_.leased(leases[i], std::move((*bytes)[i]));
    } else if (bytes.error().kind == ErrorKind::corrupt) {
      log::error("PSRD block {} is damaged, it is not used any more: {}", block.text(),
                 bytes.error().message);
      pool_.set_damaged(block);
    } else if (bytes.error().kind == ErrorKind::not_found) {
      pool_.remove_block(block);
    } else {
      return bytes.error();
    }
  }
  return {};
}

void LeasedPool::serve(Zone zone, const Result<void>& result) {
  std::size_t waiting = 0;
  {
    const MutexLock lock(mutex_);
    waiting = waiters_[zone].size();
  }
  while (serve_one(zone, result, waiting)) {
  }
  // After a failure only who asked meanwhile is a reason to try again at once.
  if (result || has_waiters(zone)) extend(zone);
}

bool LeasedPool::has_waiters(Zone zone) const {
  const MutexLock lock(mutex_);
  return !waiters_[zone].empty();
}

bool LeasedPool::serve_one(Zone zone, const Result<void>& result, std::size_t& waiting) {
  Done done;
  Result<Reserved> reserved = kClosed;
  {
    const MutexLock lock(mutex_);
    auto& waiters = waiters_[zone];
    if (!closed_) reserved = result ? Error{ErrorKind::unavailable, ""} : result.error();
    if (!closed_ && result && !waiters.empty()) reserved = pool_.allocate(zone, waiters.front().size);
    const bool must_wait = result && !closed_ && !reserved && reserved.error().kind == ErrorKind::unavailable;
    // Who asks again because of a failure must not be answered with the same failure at once.
    if (waiters.empty() || must_wait || (!result && waiting == 0)) {
      extending_[zone] = false;
      return false;
    }
    if (waiting > 0) --waiting;
    done = std::move(waiters.front().done);
    waiters.pop_front();
  }
  done(std::move(reserved));
  return true;
}

void LeasedPool::add_block(PsrdBlock block, bool allocatable) {
  {
    const MutexLock lock(mutex_);
    pool_.add_block(std::move(block), allocatable);
  }
  for (const Zone zone : kZones) extend(zone);
}

void LeasedPool::set_allocatable(const BlockId& block) {
  {
    const MutexLock lock(mutex_);
    pool_.set_allocatable(block);
  }
  for (const Zone zone : kZones) extend(zone);
}

void LeasedPool::set_aside(const BlockId& block) {
  const MutexLock lock(mutex_);
  pool_.set_aside(block);
}

void LeasedPool::remove_block(const BlockId& block) {
  const MutexLock lock(mutex_);
  pool_.remove_block(block);
}

bool LeasedPool::has_block(const BlockId& block) const {
  const MutexLock lock(mutex_);
  return pool_.has_block(block);
}

std::vector<BlockId> LeasedPool::blocks() const {
  const MutexLock lock(mutex_);
  return pool_.blocks();
}

std::vector<BlockId> LeasedPool::listed_blocks() const {
  const MutexLock lock(mutex_);
  return pool_.allocatable_blocks();
}

Result<PsrdPool::Sources> LeasedPool::locate(Zone zone, const Allocation& allocation) const {
  const MutexLock lock(mutex_);
  return pool_.locate(zone, allocation);
}

Result<SecretBytes> LeasedPool::peek(Zone zone, const Allocation& allocation) const {
  const auto sources = locate(zone, allocation);
  if (!sources) return sources.error();
  return PsrdPool::read(*sources);
}

Result<SecretBytes> LeasedPool::take(Zone zone, const Allocation& allocation) {
  auto bytes = peek(zone, allocation);
  if (!bytes) return bytes;
  // Another may have taken them since they were read: one of the two is refused.
  if (auto marked = mark_taken(zone, allocation); !marked) return marked.error();
  return bytes;
}

Result<void> LeasedPool::mark_taken(Zone zone, const Allocation& allocation) {
  const MutexLock lock(mutex_);
  return pool_.mark_taken(zone, allocation);
}

void LeasedPool::raise_floor(const BlockId& block, Zone zone, std::uint64_t floor) {
  const MutexLock lock(mutex_);
  pool_.raise_floor(block, zone, floor);
}

bool LeasedPool::skip_used(const BlockId& block, Zone zone, std::uint64_t position) {
  const MutexLock lock(mutex_);
  return pool_.skip_used(block, zone, position);
}

std::uint64_t LeasedPool::next(const BlockId& block, Zone zone) const {
  const MutexLock lock(mutex_);
  return pool_.next(block, zone);
}

std::uint64_t LeasedPool::highest_seen(const BlockId& block, Zone zone) const {
  const MutexLock lock(mutex_);
  return pool_.highest_seen(block, zone);
}

void LeasedPool::settle_floors() {
  std::vector<PsrdFloor> floors;
  {
    const MutexLock lock(mutex_);
    floors = pool_.take_risen_floors();
  }
  if (!floors.empty()) store_.raise_floors(std::move(floors), [](const Result<void>& /*result*/) {});
}

void LeasedPool::close(PsrdStore::Done done) {
  std::vector<PsrdReturn> returns;
  {
    const MutexLock lock(mutex_);
    // A lease that is being extended cannot be lowered in the same breath; what it leaves unused is lost.
    const bool busy = extending_[Zone::authenticator] || extending_[Zone::pad];
    closed_ = true;
    if (!busy) returns = pool_.lease_return();
  }
  settle_floors();
  if (returns.empty()) {
    done({});
  } else {
    store_.return_leases(std::move(returns), std::move(done));
  }
}

PsrdLevels LeasedPool::levels() const {
  const MutexLock lock(mutex_);
  return {pool_.blocks().size(), pool_.level(Side::client, Zone::authenticator),
          pool_.level(Side::client, Zone::pad), pool_.level(Side::hub, Zone::authenticator),
          pool_.level(Side::hub, Zone::pad)};
}

PsrdLevels LeasedPool::block_levels(const BlockId& block) const {
  const MutexLock lock(mutex_);
  return {1, pool_.block_level(block, Side::client, Zone::authenticator),
          pool_.block_level(block, Side::client, Zone::pad),
          pool_.block_level(block, Side::hub, Zone::authenticator),
          pool_.block_level(block, Side::hub, Zone::pad)};
}

}  // namespace dske
