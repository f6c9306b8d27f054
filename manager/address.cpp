#include "manager/address.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file.h"

namespace dske::manager {
namespace {

// An address in the form that the socket calls take.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] const in_addr& v4() const { return reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr; }
  [[nodiscard]] const in6_addr& v6() const {
    return reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
  }
};

std::optional<SocketAddress> parse(const std::string& text, std::uint16_t port) {
  SocketAddress made;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&made.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    made.size = sizeof(sockaddr_in);
    return made;
  }
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&made.storage);
  if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    made.size = sizeof(sockaddr_in6);
    return made;
  }
  return std::nullopt;
}

bool is_loopback(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) return (ntohl(address.v4().s_addr) >> 24) == 127;
  return IN6_IS_ADDR_LOOPBACK(&address.v6());
}

bool is_wildcard(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) return address.v4().s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&address.v6());
}

bool is_same_host_address(const SocketAddress& address, const sockaddr* other) {
  if (other == nullptr || other->sa_family != address.storage.ss_family) return false;
  if (other->sa_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(other)->sin_addr.s_addr == address.v4().s_addr;
  }
  return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(other)->sin6_addr, &address.v6(),
                     sizeof(in6_addr)) == 0;
}

}  // namespace

bool is_ip_address(const std::string& text) {
  return parse(text, 0).has_value();
}

bool is_wildcard_address(const std::string& address) {
  const auto parsed = parse(address, 0);
  return parsed && is_wildcard(*parsed);
}

bool is_local_address(const std::string& address) {
  const auto parsed = parse(address, 0);
  if (!parsed) return false;
  if (is_loopback(*parsed) || is_wildcard(*parsed)) return true;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (is_same_host_address(*parsed, entry->ifa_addr)) return true;
  }
  return false;
}

std::string url_of(const std::string& scheme, const std::string& address, std::uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  std::string host = address;
  if (is_wildcard_address(address)) host = v6 ? "::1" : "127.0.0.1";
  return scheme + "://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_port_free(const std::string& address, std::uint16_t port) {
  const auto parsed = parse(address, port);
  if (!parsed) return false;
  const FileDescriptor socket(::socket(parsed->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return true;
  // As a server would: sockets of past connections are no obstacle, another listener is.
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  return ::bind(socket.get(), parsed->get(), parsed->size) == 0 || errno != EADDRINUSE;
}

}  // namespace dske::manager
