#include "http/address_limits.h"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>

namespace dske::http {

std::optional<AddressLimits::Place> AddressLimits::take(const std::string& address) {
  const MutexLock lock(mutex_);
  if (total_ >= most_) return std::nullopt;
  std::size_t& count = per_address_[address];
  if (count >= most_per_address_) return std::nullopt;
  ++count;
  ++total_;
  return Place(this, address);
}

std::size_t AddressLimits::taken() const {
  const MutexLock lock(mutex_);
  return total_;
}

bool AddressLimits::is_crowded() const {
  constexpr std::size_t kFreeMost = 64;
  constexpr std::size_t kFreeShare = 8;
  const MutexLock lock(mutex_);
  return total_ > most_ - std::min(kFreeMost, most_ / kFreeShare);
}

void AddressLimits::give_back(const std::string& address) {
  const MutexLock lock(mutex_);
  --total_;
  const auto count = per_address_.find(address);
  if (--count->second == 0) per_address_.erase(count);
}

}  // namespace dske::http
