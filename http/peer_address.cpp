#include "http/peer_address.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace dske::http {
namespace {

/// The address's bytes: 4 of IPv4, also if they are mapped into IPv6, or 16.
std::string address_bytes(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return {reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr};
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    const std::string bytes(reinterpret_cast<const char*>(v6.sin6_addr.s6_addr), sizeof v6.sin6_addr);
    return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? bytes.substr(12) : bytes;
  }
  return {};
}

}  // namespace

std::string numeric_address(const sockaddr_storage& address) {
  const std::string bytes = address_bytes(address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.empty() || ::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr) return {};
  return text.data();
}

std::string limited_address(const sockaddr_storage& address) {
  return address_bytes(address).substr(0, 8);
}

}  // namespace dske::http
