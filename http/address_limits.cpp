#include "http/address_limits.h"

#include <cstring>

#include <netinet/in.h>

namespace dske::http {

std::string limited_address(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return {reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr};
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    const auto* bytes = reinterpret_cast<const char*>(v6.sin6_addr.s6_addr);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return {bytes + 12, 4};
    return {bytes, 8};
  }
  return {};
}

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
