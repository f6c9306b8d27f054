// How the key store makes keys ahead of demand.
#include <algorithm>
#include <utility>

#include "base/fault_point.h"
#include "kme/key_store_pair.h"

namespace dske::kme {
namespace {

constexpr std::size_t kFillingMost = 8;  // bundles under way in all
constexpr std::size_t kFillingPerPair = 2;
constexpr std::uint32_t kBundleKeysMost = 1024;
constexpr std::chrono::seconds kRetryFirst{1};
constexpr std::chrono::seconds kRetryMost{60};

}  // namespace

std::uint32_t KeyStore::target_of(const Pair& pair) const {
  if (!in_use(pair)) return 0;
  const KeyStoreConfig& config = parts_.config.key_store;
  const double demanded =
      pair.demand.keys_per_second(parts_.clock.now()) * static_cast<double>(config.demand.count());
  const std::uint32_t most = parts_.config.limits.max_key_count;
  const std::uint32_t least = std::min(std::max(config.minimum_keys, 2 * pair.largest), most);
  if (demanded >= most) return most;
  return std::max(least, static_cast<std::uint32_t>(demanded));
}

std::uint32_t KeyStore::next_bundle_size(const Pair& pair) const {
  const std::uint32_t target = target_of(pair);
  const std::uint32_t there = pair.level() + pair.keys_under_way;
  if (there >= target) return 0;
  if (there >= parts_.config.key_store.minimum_keys &&
      keys_in_all_ >= parts_.config.key_store.maximum_keys_in_all)
    return 0;
  const auto fits = static_cast<std::uint32_t>(BundleContext::kSecretBytesMost / 16 / key_size_bytes_);
  return std::min({target - there, kBundleKeysMost, std::max(fits, 1U)});
}

void KeyStore::fill(Pair& pair) {
  const std::uint32_t target = target_of(pair);
  const std::uint32_t there = pair.level() + pair.keys_under_way;
  // Filled in bundles worth making: from half of the target to the whole of it.
  if (there >= target) pair.filling = false;
  if (Pair::is_low(there, target)) pair.filling = true;
  if (!pair.filling || closing_ || parts_.clock.now() < pair.retry_at) return;
  while (pair.bundles_under_way < kFillingPerPair) {
    const std::uint32_t count = next_bundle_size(pair);
    if (count == 0) break;
    if (filling_ >= kFillingMost) {
      if (!std::exchange(pair.waits_to_fill, true)) waiting_to_fill_.push_back(pair.saes);
      return;
    }
    BundleRequest request;
    request.master = pair.saes.master;
    request.slaves = {pair.saes.slave};
    request.key_count = count;
    request.key_size_bytes = key_size_bytes_;
    request.lifetime = parts_.config.key_lifetime;
    if (!parts_.allows(request))
      return fill_failed(pair, {ErrorKind::exhausted, "the PSRD that is left is kept for requests"});
    ++filling_;
    ++pair.bundles_under_way;
    pair.keys_under_way += count;
    keys_in_all_ += count;
    parts_.establish(std::move(request), [this, saes = pair.saes, count](BundleResult result) {
      filled(saes, count, std::move(result));
    });
  }
}

void KeyStore::fill_waiting() {
  while (filling_ < kFillingMost && !waiting_to_fill_.empty()) {
    const etsi014::SaePair saes = std::move(waiting_to_fill_.front());
    waiting_to_fill_.pop_front();
    Pair* pair = find(saes);
    if (pair == nullptr) continue;
    pair->waits_to_fill = false;
    agenda_.set(*pair, agenda_.kNext);
    fill(*pair);
  }
}

void KeyStore::fill_failed(Pair& pair, const Error& error) {
  const MonotonicTime now = parts_.clock.now();
  pair.retry_after = std::clamp(pair.retry_after * 2, kRetryFirst, kRetryMost);
  pair.retry_at = now + pair.retry_after;
  agenda_.set(pair, agenda_.kNext);
  warn("no keys ahead of demand for " + pair.saes.master.text() + " with " + pair.saes.slave.text() + ": " +
       error.message);
}

void KeyStore::filled(const etsi014::SaePair& saes, std::uint32_t asked_for, BundleResult result) {
  --filling_;
  Pair& pair = *pairs_.at(saes);  // it stays while bundles are under way
  --pair.bundles_under_way;
  pair.keys_under_way -= asked_for;
  agenda_.set(pair, agenda_.kNext);
  if (result && !closing_) {
    pair.retry_after = std::chrono::seconds(0);
    last_failure_.clear();
    keep(pair, std::move(*result));
    fill(pair);
  } else {
    keys_in_all_ -= asked_for;
    if (!result) fill_failed(pair, result.error());
  }
  fill_waiting();
}

void KeyStore::keep(Pair& pair, EstablishedBundle made) {
  pass(FaultPoint::ready_made);
  const BundleContext& context = made.context;
  if (const ClientName& client = context.slaves.front().client; pair.slave_client != client) {
    // The slave SAE has moved to another KME, which cannot have the keys that were made before.
    std::vector<BundleId> unfit;
    for (const Bundle& bundle : pair.ready) unfit.push_back(bundle.id);
    if (!pair.leasing) {
      pair.ready.clear();
      keys_in_all_ -= std::exchange(pair.on_disk, 0);
      for (const LeasedBatch& batch : pair.leased->take_back())
        keys_in_all_ -= batch.keys.size() / key_size_bytes_;
      if (!unfit.empty()) parts_.store.drop_ready(std::move(unfit), [](const Result<void>& /*dropped*/) {});
      pair.slave_client = client;
    }
  }
  const std::uint32_t count = context.key_count;
  // What the window lacks needs no lease of its own: it never reaches the disk.
  const std::uint32_t window = in_use(pair) ? window_of(pair) : 0;
  const std::uint32_t there = pair.level();
  const std::uint32_t first = pair.on_disk == 0 && there < window ? std::min(window - there, count) : 0;
  const std::size_t split = std::size_t{first} * key_size_bytes_;
  const Bundle bundle{context.id, first, count, made.expires};
  LeasedBatch batch{context.id, 0, SecretBytes::copy_of(made.keys.view().first(split)), not_after(bundle)};
  store::ReadyBundle record{
      {context.id, pair.saes.master, pair.saes.slave, context.slaves.front().client, context.shares_required,
       key_size_bytes_, count, first, DurableDeadline::at(made.expires, parts_.clock)},
      SecretBytes::copy_of(made.keys.view().subspan(split))};
  pair.keys_under_way += count;
  ++pair.bundles_under_way;
  ++filling_;
  parts_.store.add_ready(std::move(record), [this, saes = pair.saes, bundle, count,
                                             batch = std::move(batch)](const Result<void>& kept) mutable {
    pass(FaultPoint::ready_kept);
    Pair& owner = *pairs_.at(saes);
    --filling_;
    --owner.bundles_under_way;
    owner.keys_under_way -= count;
    if (!kept) {
      keys_in_all_ -= count;
      fill_failed(owner, kept.error());
      return fill_waiting();
    }
    owner.leased->add(std::move(batch));
    if (bundle.first < bundle.end) {
      owner.ready.push_back(bundle);
      owner.on_disk += bundle.end - bundle.first;
    } else {
      owner.spent.push_back(bundle.id);
    }
    tend(owner);
    fill_waiting();
  });
}

}  // namespace dske::kme
