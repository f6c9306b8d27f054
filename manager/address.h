// Numeric IP addresses: their form, their place in URLs, and whether they are this host's.
#pragma once

#include <cstdint>
#include <string>

namespace dske::manager {

/// Whether `text` is a numeric IPv4 or IPv6 address.
[[nodiscard]] bool is_ip_address(const std::string& text);

/// Whether it stands for every address of a host (0.0.0.0 or ::): one can listen on it but not call it.
[[nodiscard]] bool is_wildcard_address(const std::string& address);

/// Whether a process here can listen on it: loopback, wildcard, or an address of one of this host's
/// interfaces.
[[nodiscard]] bool is_local_address(const std::string& address);

/// "SCHEME://ADDRESS:PORT", with brackets around IPv6 and the loopback address for a wildcard.
[[nodiscard]] std::string url_of(const std::string& scheme, const std::string& address, std::uint16_t port);

/// Whether a process could listen there now; false if another does. Address and port as above, of this host.
[[nodiscard]] bool is_port_free(const std::string& address, std::uint16_t port);

}  // namespace dske::manager
