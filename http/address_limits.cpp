#include "http/address_limits.h"

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

void AddressLimits::give_back(const std::string& address) {
  const MutexLock lock(mutex_);
  --total_;
  const auto count = per_address_.find(address);
  if (--count->second == 0) per_address_.erase(count);
}

}  // namespace dske::http
