#include "kme/held_keys.h"

#include <algorithm>
#include <utility>

namespace dske::kme {
namespace {

// About 2 MB of them.
constexpr std::size_t kFinishedMost = 16384;

}  // namespace

void HeldKeys::hold(BundleContext context, SecretBytes keys, MonotonicTime expires,
                    const std::map<SaeId, std::vector<std::uint16_t>>& delivered) {
  Bundle bundle{std::move(context), std::move(keys), expires, {}, {}, {}};
  for (const Slave& slave : bundle.context.slaves) {
    if (slave.client == client_ && encryptors_.contains(slave.sae_id))
      bundle.local_slaves.push_back(slave.sae_id);
  }
  for (const auto& [sae, indices] : delivered) bundle.delivered[sae].insert(indices.begin(), indices.end());
  BundleName name = bundle.context.name();
  const BundleId id = name.id;
  if (bundles_.emplace(name, std::move(bundle)).second) by_id_.emplace(id, std::move(name));
}

HeldKeys::Bundle* HeldKeys::find(const BundleId& id, const SaeId& master) {
  Bundle* found = nullptr;
  const auto [begin, end] = by_id_.equal_range(id);
  for (auto entry = begin; entry != end; ++entry) {
    const auto bundle = bundles_.find(entry->second);
    if (bundle == bundles_.end() || bundle->second.expires <= clock_.now()) continue;
    if (found == nullptr || bundle->second.context.master == master) found = &bundle->second;
  }
  return found;
}

const HeldKeys::Bundle* HeldKeys::get(const BundleName& bundle) const {
  const auto found = bundles_.find(bundle);
  return found == bundles_.end() ? nullptr : &found->second;
}

bool HeldKeys::available(const Bundle& bundle, const SaeId& sae, std::uint16_t index) {
  if (index >= bundle.context.key_count) return false;
  const auto among = [&](const std::map<SaeId, std::set<std::uint16_t>>& keys) {
    const auto found = keys.find(sae);
    return found != keys.end() && found->second.contains(index);
  };
  return !among(bundle.delivered) && !among(bundle.under_way);
}

void HeldKeys::deliver(Bundle& bundle, const SaeId& sae, std::uint16_t index) {
  bundle.under_way[sae].insert(index);
}

void HeldKeys::not_delivered(const BundleName& bundle, const SaeId& sae,
                             const std::vector<std::uint16_t>& indices) {
  const auto found = bundles_.find(bundle);
  if (found == bundles_.end()) return;
  for (const std::uint16_t index : indices) found->second.under_way[sae].erase(index);
}

void HeldKeys::delivered(const BundleName& bundle_name, const SaeId& sae,
                         const std::vector<std::uint16_t>& indices) {
  const auto found = bundles_.find(bundle_name);
  if (found == bundles_.end()) return;
  Bundle& bundle = found->second;
  for (const std::uint16_t index : indices) {
    bundle.under_way[sae].erase(index);
    bundle.delivered[sae].insert(index);
  }
  const bool all = std::all_of(
      bundle.local_slaves.begin(), bundle.local_slaves.end(),
      [&](const SaeId& slave) { return bundle.delivered[slave].size() == bundle.context.key_count; });
  if (!all) return;
  const BundleName name = bundle.context.name();  // bundle_name may be a part of what is removed
  const SaeId master = bundle.context.master;
  remove(name);
  finish(name, master);
}

void HeldKeys::finish(const BundleName& name, const SaeId& master) {
  if (finished(name)) return;
  finished_order_.emplace_back(finished_.emplace(name.id, Finished{name.initiator, master}));
  if (finished_order_.size() <= kFinishedMost) return;
  finished_.erase(finished_order_.front());
  finished_order_.pop_front();
}

bool HeldKeys::finished(const BundleName& bundle) const {
  const auto [begin, end] = finished_.equal_range(bundle.id);
  return std::any_of(begin, end,
                     [&](const auto& entry) { return entry.second.initiator == bundle.initiator; });
}

bool HeldKeys::finished(const BundleId& id, const SaeId& master) const {
  const auto [begin, end] = finished_.equal_range(id);
  return std::any_of(begin, end, [&](const auto& entry) { return entry.second.master == master; });
}

void HeldKeys::remove(const BundleName& name) {
  bundles_.erase(name);
  const auto [begin, end] = by_id_.equal_range(name.id);
  const auto entry =
      std::find_if(begin, end, [&](const auto& candidate) { return candidate.second == name; });
  if (entry != end) by_id_.erase(entry);
}

}  // namespace dske::kme
