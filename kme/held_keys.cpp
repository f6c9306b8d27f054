#include "kme/held_keys.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace dske::kme {
namespace {

// About 2 MB of them.
constexpr std::size_t kFinishedMost = 16384;

bool bit(const std::uint64_t* words, std::uint16_t index) {
  return (words[index / 64] >> (index % 64) & 1) != 0;
}

void set_bit(std::uint64_t* words, std::uint16_t index) {
  words[index / 64] |= std::uint64_t{1} << (index % 64);
}

void clear_bit(std::uint64_t* words, std::uint16_t index) {
  words[index / 64] &= ~(std::uint64_t{1} << (index % 64));
}

// Equal for contexts with the same parties only: each text is followed by a byte that no name contains.
std::string key_of(const BundleContext& context) {
  std::string key = context.initiator.text() + '\0' + context.master.text() + '\0';
  for (const Slave& slave : context.slaves) key += slave.sae_id.text() + '\0' + slave.client.text() + '\0';
  return key;
}

}  // namespace

std::uint64_t* HeldKeys::bits(const Bundle& bundle, std::size_t slave, Bit bit) {
  return bundle.bits.get() + (2 * slave + (bit == Bit::under_way ? 1 : 0)) * words(bundle.key_count);
}

bool HeldKeys::available(const Bundle& bundle, std::size_t slave, std::uint16_t index) {
  return index < bundle.key_count && !bit(bits(bundle, slave, Bit::delivered), index) &&
         !bit(bits(bundle, slave, Bit::under_way), index);
}

std::size_t HeldKeys::position(const Parties& parties, const SaeId& slave) {
  return static_cast<std::size_t>(std::find(parties.slaves.begin(), parties.slaves.end(), slave) -
                                  parties.slaves.begin());
}

bool HeldKeys::all_delivered(const Bundle& bundle) {
  return std::all_of(
      bundle.parties->local_slaves.begin(), bundle.parties->local_slaves.end(), [&](const SaeId& slave) {
        const std::uint64_t* given = bits(bundle, position(*bundle.parties, slave), Bit::delivered);
        std::uint32_t count = 0;
        for (std::size_t i = 0; i < words(bundle.key_count); ++i)
          count += static_cast<std::uint32_t>(std::popcount(given[i]));
        return count == bundle.key_count;
      });
}

std::shared_ptr<const HeldKeys::Parties> HeldKeys::parties_of(const BundleContext& context) {
  std::weak_ptr<const Parties>& known = parties_[key_of(context)];
  if (auto parties = known.lock()) return parties;
  auto parties = std::make_shared<Parties>(Parties{context.initiator, context.master, {}, {}});
  for (const Slave& slave : context.slaves) {
    parties->slaves.push_back(slave.sae_id);
    if (slave.client == client_ && encryptors_.contains(slave.sae_id))
      parties->local_slaves.push_back(slave.sae_id);
  }
  known = parties;
  if (parties_.size() > parties_pruned_at_) {
    std::erase_if(parties_, [](const auto& entry) { return entry.second.expired(); });
    parties_pruned_at_ = 2 * parties_.size() + 64;
  }
  return parties;
}

void HeldKeys::hold(const BundleContext& context, SecretBytes keys, MonotonicTime expires,
                    const std::map<SaeId, std::vector<std::uint16_t>>& delivered) {
  Bundle bundle{nullptr,
                std::make_shared<const SecretBytes>(std::move(keys)),
                expires,
                context.key_count,
                context.key_size_bytes,
                nullptr};
  bundle.bits = std::make_unique<std::uint64_t[]>(2 * context.slaves.size() * words(context.key_count));
  const MutexLock lock(mutex_);
  if (is_held(context.name())) return;
  bundle.parties = parties_of(context);
  for (const auto& [sae, indices] : delivered) {
    const std::size_t slave = position(*bundle.parties, sae);
    if (slave == bundle.parties->slaves.size()) continue;
    for (const std::uint16_t index : indices) {
      if (index < bundle.key_count) set_bit(bits(bundle, slave, Bit::delivered), index);
    }
  }
  Amount& amount = amounts_[context.initiator];
  amount.bundles += 1;
  amount.keys += bundle.key_count;
  amount.bytes += bundle.keys->size();
  bundles_.emplace(context.id, std::move(bundle));
}

HeldKeys::Bundles::iterator HeldKeys::find(const BundleId& id, const SaeId& master, MonotonicTime now) {
  auto found = bundles_.end();
  const auto [begin, end] = bundles_.equal_range(id);
  for (auto entry = begin; entry != end; ++entry) {
    if (entry->second.expires <= now) continue;
    if (found == bundles_.end() || entry->second.parties->master == master) found = entry;
  }
  return found;
}

HeldKeys::Bundles::iterator HeldKeys::find(const BundleName& bundle) {
  const auto [begin, end] = bundles_.equal_range(bundle.id);
  const auto found = std::find_if(
      begin, end, [&](const auto& entry) { return entry.second.parties->initiator == bundle.initiator; });
  return found == end ? bundles_.end() : found;
}

std::set<BundleId> HeldKeys::missing(const SaeId& master, const std::vector<KeyId>& ids) const {
  std::set<BundleId> missing;
  const MonotonicTime now = clock_.now();
  const MutexLock lock(mutex_);
  const auto is_here = [&](const BundleId& id) REQUIRES_LOCK(mutex_) {
    // A bundle of the same id from another master does not stand in the way.
    const auto [begin, end] = bundles_.equal_range(id);
    const bool held = std::any_of(begin, end, [&](const auto& entry) {
      return entry.second.parties->master == master && entry.second.expires > now;
    });
    if (held) return true;
    const auto [first, last] = finished_.equal_range(id);
    return std::any_of(first, last, [&](const auto& entry) { return entry.second->master == master; });
  };
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const BundleId id = BundleId::of(ids[i]);
    if (i > 0 && id == BundleId::of(ids[i - 1])) continue;
    if (!is_here(id)) missing.insert(id);
  }
  return missing;
}

std::variant<HeldKeys::Taken, HeldKeys::Refused> HeldKeys::take(const SaeId& slave, const SaeId& master,
                                                                const std::vector<KeyId>& ids) {
  struct Source {
    std::shared_ptr<const SecretBytes> keys;
    std::size_t offset;
    std::size_t size;
  };
  std::vector<Source> sources;
  sources.reserve(ids.size());
  Taken taken;
  const MonotonicTime now = clock_.now();
  {
    const MutexLock lock(mutex_);
    std::vector<Bundle*> found;
    found.reserve(ids.size());
    Refused refused{Refused::Why::not_available, {}};
    std::uint64_t bytes = 0;
    std::size_t position_of_slave = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const BundleId id = BundleId::of(ids[i]);
      if (i > 0 && id == BundleId::of(ids[i - 1])) {
        found.push_back(found.back());
      } else {
        const auto bundle = find(id, master, now);
        found.push_back(bundle == bundles_.end() ? nullptr : &bundle->second);
      }
      const Bundle* bundle = found.back();
      if (bundle == nullptr) {
        refused.not_available.push_back(ids[i]);
        continue;
      }
      position_of_slave = position(*bundle->parties, slave);
      if (position_of_slave == bundle->parties->slaves.size() || bundle->parties->master != master)
        return Refused{Refused::Why::not_named, {}};
      if (!available(*bundle, position_of_slave, BundleId::index_of(ids[i])))
        refused.not_available.push_back(ids[i]);
      bytes += bundle->key_size_bytes;
    }
    if (bytes > BundleContext::kSecretBytesMost) return Refused{Refused::Why::too_large, {}};
    if (!refused.not_available.empty()) return refused;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const Bundle& bundle = *found[i];
      const std::uint16_t index = BundleId::index_of(ids[i]);
      set_bit(bits(bundle, position(*bundle.parties, slave), Bit::under_way), index);
      if (i == 0 || found[i] != found[i - 1])
        taken.parts.push_back({BundleId::of(ids[i]), bundle.parties, {}});
      taken.parts.back().indices.push_back(index);
      sources.push_back(
          {bundle.keys, std::size_t{index} * bundle.key_size_bytes, std::size_t{bundle.key_size_bytes}});
    }
  }
  taken.keys.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Source& source = sources[i];
    taken.keys.push_back(
        {ids[i], SecretBytes::copy_of(source.keys->view().subspan(source.offset, source.size))});
  }
  return taken;
}

void HeldKeys::not_delivered(const BundleName& bundle, const SaeId& sae,
                             const std::vector<std::uint16_t>& indices) {
  const MutexLock lock(mutex_);
  const auto found = find(bundle);
  if (found == bundles_.end()) return;
  const std::size_t slave = position(*found->second.parties, sae);
  if (slave == found->second.parties->slaves.size()) return;
  for (const std::uint16_t index : indices) {
    if (index < found->second.key_count) clear_bit(bits(found->second, slave, Bit::under_way), index);
  }
}

void HeldKeys::delivered(const BundleName& bundle, const SaeId& sae,
                         const std::vector<std::uint16_t>& indices) {
  Bundles::node_type gone;  // wiped after the lock was released
  const MutexLock lock(mutex_);
  const auto found = find(bundle);
  if (found == bundles_.end()) return;
  const Bundle& held = found->second;
  const std::size_t slave = position(*held.parties, sae);
  if (slave == held.parties->slaves.size()) return;
  for (const std::uint16_t index : indices) {
    if (index >= held.key_count) continue;
    clear_bit(bits(held, slave, Bit::under_way), index);
    set_bit(bits(held, slave, Bit::delivered), index);
  }
  if (!all_delivered(held)) return;
  finish(bundle.id, held.parties);
  gone = extract(found);
}

void HeldKeys::finish(const BundleId& id, const std::shared_ptr<const Parties>& parties) {
  if (is_finished({parties->initiator, id})) return;
  finished_order_.emplace_back(finished_.emplace(id, parties));
  if (finished_order_.size() <= kFinishedMost) return;
  finished_.erase(finished_order_.front());
  finished_order_.pop_front();
}

HeldKeys::Bundles::node_type HeldKeys::extract(Bundles::iterator bundle) {
  const auto amount = amounts_.find(bundle->second.parties->initiator);
  amount->second.keys -= bundle->second.key_count;
  amount->second.bytes -= bundle->second.keys->size();
  if (--amount->second.bundles == 0) amounts_.erase(amount);
  return bundles_.extract(bundle);
}

void HeldKeys::remove(const BundleName& bundle) {
  Bundles::node_type gone;  // wiped after the lock was released
  const MutexLock lock(mutex_);
  const auto found = find(bundle);
  if (found != bundles_.end()) gone = extract(found);
}

bool HeldKeys::is_held(const BundleName& bundle) const {
  const auto [begin, end] = bundles_.equal_range(bundle.id);
  return std::any_of(begin, end,
                     [&](const auto& entry) { return entry.second.parties->initiator == bundle.initiator; });
}

bool HeldKeys::is_finished(const BundleName& bundle) const {
  const auto [begin, end] = finished_.equal_range(bundle.id);
  return std::any_of(begin, end,
                     [&](const auto& entry) { return entry.second->initiator == bundle.initiator; });
}

bool HeldKeys::holds(const BundleName& bundle) const {
  const MutexLock lock(mutex_);
  return is_held(bundle);
}

bool HeldKeys::finished(const BundleName& bundle) const {
  const MutexLock lock(mutex_);
  return is_finished(bundle);
}

bool HeldKeys::holds_or_finished(const BundleName& bundle) const {
  const MutexLock lock(mutex_);
  return is_held(bundle) || is_finished(bundle);
}

HeldKeys::Amount HeldKeys::amount() const {
  const MutexLock lock(mutex_);
  Amount all;
  for (const auto& [initiator, amount] : amounts_) {
    all.bundles += amount.bundles;
    all.keys += amount.keys;
    all.bytes += amount.bytes;
  }
  return all;
}

HeldKeys::Amount HeldKeys::amount_of(const ClientName& initiator) const {
  const MutexLock lock(mutex_);
  const auto found = amounts_.find(initiator);
  return found == amounts_.end() ? Amount() : found->second;
}

}  // namespace dske::kme
