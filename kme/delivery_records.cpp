#include "kme/delivery_records.h"

#include <chrono>
#include <memory>

#include "base/log.h"

namespace dske::kme {
namespace {

constexpr std::chrono::milliseconds kGather{20};
constexpr std::size_t kKeysMost = 8192;  // then the rest of the time is not waited for

}  // namespace

void DeliveryRecords::add(const SaeId& sae, const HeldKeys::Part& part) {
  bool first = false;
  bool full = false;
  {
    const MutexLock lock(mutex_);
    first = gathered_.empty();
    Gathered& gathered = gathered_[{part.name(), sae}];
    gathered.parties = part.parties;
    gathered.indices.insert(gathered.indices.end(), part.indices.begin(), part.indices.end());
    full = keys_ < kKeysMost && keys_ + part.indices.size() >= kKeysMost;
    keys_ += part.indices.size();
  }
  if (first) loop_.post([this] { loop_.after(kGather, [this] { flush(); }); });
  if (full) loop_.post([this] { flush(); });
}

void DeliveryRecords::flush() {
  ByBundleAndSae gathered;
  {
    const MutexLock lock(mutex_);
    gathered.swap(gathered_);
    keys_ = 0;
  }
  if (gathered.empty()) return;
  std::vector<store::Delivery> deliveries;
  deliveries.reserve(gathered.size());
  for (auto& [key, delivered] : gathered) {
    deliveries.push_back(
        {key.first, key.second, std::move(delivered.indices), delivered.parties->local_slaves});
  }
  store_.record_deliveries(std::move(deliveries), [count = gathered.size()](const Result<void>& stored) {
    if (!stored) log::error("deliveries of {} bundles were not recorded: {}", count, stored.error().message);
  });
}

}  // namespace dske::kme
