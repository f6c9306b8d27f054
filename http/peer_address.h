// What the address of a connection's other end is, for logs and for limits.
#pragma once

#include <string>

#include <sys/socket.h>

namespace dske::http {

/// The numeric IP address, without the port. One that maps IPv4 into IPv6 is shown as IPv4.
[[nodiscard]] std::string numeric_address(const sockaddr_storage& address);

/// Who sends, as far as limits go, in a form that is only to be compared: the IPv4 address, or the /64
/// network of an IPv6 address, which one host has for itself.
[[nodiscard]] std::string limited_address(const sockaddr_storage& address);

}  // namespace dske::http
