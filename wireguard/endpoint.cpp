#include "wireguard/endpoint.h"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace dske::wireguard {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class Address>
Bytes bytes_of(const Address& address) {
  Bytes bytes(sizeof address);
  std::memcpy(bytes.data(), &address, sizeof address);
  return bytes;
}

std::optional<Bytes> v4(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::nullopt;
  return bytes_of(address);
}

std::optional<Bytes> v6(std::string_view host, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
    const auto scope = number<std::uint32_t>(host.substr(percent + 1));
    if (!scope) return std::nullopt;
    address.sin6_scope_id = *scope;
    host = host.substr(0, percent);
  }
  if (::inet_pton(AF_INET6, std::string(host).c_str(), &address.sin6_addr) != 1) return std::nullopt;
  return bytes_of(address);
}

}  // namespace

Result<std::string> endpoint_text(ByteView socket_address) {
  sa_family_t family = 0;
  if (socket_address.size() >= sizeof family) std::memcpy(&family, socket_address.data(), sizeof family);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family == AF_INET && socket_address.size() == sizeof(sockaddr_in)) {
    sockaddr_in address{};
    std::memcpy(&address, socket_address.data(), sizeof address);
    ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(address.sin_port));
  }
  if (family == AF_INET6 && socket_address.size() == sizeof(sockaddr_in6)) {
    sockaddr_in6 address{};
    std::memcpy(&address, socket_address.data(), sizeof address);
    ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
    const std::string scope = address.sin6_scope_id == 0 ? "" : "%" + std::to_string(address.sin6_scope_id);
    return "[" + std::string(text.data()) + scope + "]:" + std::to_string(ntohs(address.sin6_port));
  }
  return Error{ErrorKind::corrupt, "an endpoint is neither an IPv4 nor an IPv6 address"};
}

Result<Bytes> endpoint_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : number<std::uint16_t>(std::string_view(text).substr(colon + 1));
  if (port) {
    const std::string host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    auto address = bracketed ? v6(std::string_view(host).substr(1, host.size() - 2), *port) : v4(host, *port);
    if (address) return std::move(*address);
  }
  return invalid("an endpoint must be ADDRESS:PORT or [ADDRESS]:PORT");
}

}  // namespace dske::wireguard
