#include "kme/leased_keys.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace dske::kme {

std::optional<std::vector<etsi014::Key>> LeasedKeys::take(std::uint32_t number, MonotonicTime now) {
  if (available_ < number) return std::nullopt;
  // The memory is there before the lock is taken, and what is spent goes after it was given back.
  std::vector<etsi014::Key> keys(number);
  for (etsi014::Key& key : keys) key.value = SecretBytes(key_size_bytes_);
  std::vector<LeasedBatch> spent;
  spent.reserve(8);
  {
    const MutexLock lock(mutex_);
    std::size_t got = 0;
    std::size_t batch = 0;
    std::size_t offset = offset_;
    // Found first and taken afterwards: all of them or none.
    for (; batch < batches_.size() && got < number; ++batch, offset = 0) {
      LeasedBatch& from = batches_[batch];
      if (from.not_after <= now) continue;
      for (; offset < from.keys.size() && got < number; offset += key_size_bytes_, ++got) {
        const std::size_t index = from.first + offset / key_size_bytes_;
        keys[got].id = from.bundle.key_id(static_cast<std::uint16_t>(index));
        std::memcpy(keys[got].value.data(), from.keys.data() + offset, key_size_bytes_);
      }
      if (got == number && offset < from.keys.size()) break;
    }
    if (got < number) return std::nullopt;
    for (std::size_t i = 0; i < batch; ++i) {
      const std::size_t gone = batches_.front().keys.size() - (i == 0 ? offset_ : 0);
      available_ -= static_cast<std::uint32_t>(gone / key_size_bytes_);
      spent.push_back(std::move(batches_.front()));
      batches_.pop_front();
    }
    const std::size_t begin = batch == 0 ? offset_ : 0;
    if (!batches_.empty()) {
      wipe(batches_.front().keys.span().subspan(begin, offset - begin));
      available_ -= static_cast<std::uint32_t>((offset - begin) / key_size_bytes_);
      offset_ = offset;
    } else {
      offset_ = 0;
    }
  }
  taken_ += number;
  return keys;
}

void LeasedKeys::add(LeasedBatch batch) {
  if (batch.keys.empty()) return;
  const auto count = static_cast<std::uint32_t>(batch.keys.size() / key_size_bytes_);
  const MutexLock lock(mutex_);
  batches_.push_back(std::move(batch));
  available_ += count;
}

bool LeasedKeys::should_tend() {
  return available_ < least_ && !told_.exchange(true);
}

void LeasedKeys::want(std::uint32_t least) {
  least_ = least;
  told_ = false;
}

bool LeasedKeys::first_taken() {
  return taken_ > 0 && !taken_told_ && !taken_told_.exchange(true);
}

std::uint64_t LeasedKeys::count_taken() {
  // In this order: who takes keys from here on, and is not counted, is told to be the first.
  taken_told_ = false;
  return taken_.exchange(0);
}

std::optional<MonotonicTime> LeasedKeys::first_not_after() {
  const MutexLock lock(mutex_);
  std::optional<MonotonicTime> first;
  for (const LeasedBatch& batch : batches_)
    first = first ? std::min(*first, batch.not_after) : batch.not_after;
  return first;
}

std::optional<BundleId> LeasedKeys::oldest() {
  const MutexLock lock(mutex_);
  if (batches_.empty()) return std::nullopt;
  return batches_.front().bundle;
}

std::vector<LeasedBatch> LeasedKeys::take_back() {
  std::deque<LeasedBatch> batches;
  std::size_t offset = 0;
  {
    const MutexLock lock(mutex_);
    batches.swap(batches_);
    offset = std::exchange(offset_, 0);
    available_ = 0;
  }
  std::vector<LeasedBatch> back;
  for (LeasedBatch& batch : batches) {
    const auto skipped = static_cast<std::uint32_t>(offset / key_size_bytes_);
    back.push_back({batch.bundle, batch.first + skipped,
                    SecretBytes::copy_of(batch.keys.view().subspan(offset)), batch.not_after});
    offset = 0;
  }
  return back;
}

std::uint32_t LeasedKeys::drop_old(MonotonicTime now) {
  std::vector<LeasedBatch> old;
  std::uint32_t count = 0;
  const MutexLock lock(mutex_);
  std::deque<LeasedBatch> kept;
  for (LeasedBatch& batch : batches_) {
    const std::size_t offset = &batch == &batches_.front() ? offset_ : 0;
    if (batch.not_after > now) {
      kept.push_back(std::move(batch));
      continue;
    }
    if (offset != 0) offset_ = 0;
    count += static_cast<std::uint32_t>((batch.keys.size() - offset) / key_size_bytes_);
    old.push_back(std::move(batch));
  }
  batches_.swap(kept);
  available_ -= count;
  return count;
}

std::size_t LeasedKeysByPair::Hash::operator()(const etsi014::SaePair& pair) const noexcept {
  const std::hash<SaeId> hash;
  return hash(pair.master) * 31 + hash(pair.slave);
}

std::shared_ptr<LeasedKeys> LeasedKeysByPair::find(const etsi014::SaePair& pair) {
  Shard& shard = shard_of(pair);
  const MutexLock lock(shard.mutex);
  const auto found = shard.pairs.find(pair);
  return found == shard.pairs.end() ? nullptr : found->second;
}

void LeasedKeysByPair::add(const etsi014::SaePair& pair, std::shared_ptr<LeasedKeys> keys) {
  Shard& shard = shard_of(pair);
  const MutexLock lock(shard.mutex);
  shard.pairs.insert_or_assign(pair, std::move(keys));
}

void LeasedKeysByPair::remove(const etsi014::SaePair& pair) {
  Shard& shard = shard_of(pair);
  const MutexLock lock(shard.mutex);
  shard.pairs.erase(pair);
}

}  // namespace dske::kme
