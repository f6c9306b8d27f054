#include "kme/held_keys.h"

#include <algorithm>
#include <utility>

namespace dske::kme {
namespace {

constexpr std::size_t kFinishedMost = 65536;

}  // namespace

void HeldKeys::hold(BundleContext context, SecretBytes keys, MonotonicTime expires,
                    const std::map<SaeId, std::vector<std::uint16_t>>& delivered) {
  Bundle bundle{std::move(context), std::move(keys), expires, {}, {}};
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
  const auto delivered = bundle.delivered.find(sae);
  return delivered == bundle.delivered.end() || !delivered->second.contains(index);
}

void HeldKeys::mark(Bundle& bundle, const SaeId& sae, std::uint16_t index) {
  bundle.delivered[sae].insert(index);
}

void HeldKeys::unmark(const BundleName& bundle, const SaeId& sae, const std::vector<std::uint16_t>& indices) {
  const auto found = bundles_.find(bundle);
  if (found == bundles_.end()) return;
  for (const std::uint16_t index : indices) found->second.delivered[sae].erase(index);
}

void HeldKeys::remove(const BundleName& name) {
  bundles_.erase(name);
  const auto [begin, end] = by_id_.equal_range(name.id);
  const auto entry =
      std::find_if(begin, end, [&](const auto& candidate) { return candidate.second == name; });
  if (entry != end) by_id_.erase(entry);
}

void HeldKeys::remove_if_finished(const BundleName& bundle_name) {
  const BundleName name = bundle_name;  // it may be a part of what is removed
  const auto found = bundles_.find(name);
  if (found == bundles_.end()) return;
  Bundle& bundle = found->second;
  const bool finished =
      std::all_of(bundle.local_slaves.begin(), bundle.local_slaves.end(),
                  [&](const SaeId& sae) { return bundle.delivered[sae].size() == bundle.context.key_count; });
  if (!finished) return;
  remove(name);
  if (finished_.insert(name).second) {
    finished_ids_.insert(name.id);
    finished_order_.push_back(name);
  }
  if (finished_order_.size() > kFinishedMost) {
    finished_.erase(finished_order_.front());
    finished_ids_.erase(finished_order_.front().id);
    finished_order_.pop_front();
  }
}

}  // namespace dske::kme
