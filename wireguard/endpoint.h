// Endpoints of peers as the kernel has them and as text.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace dske::wireguard {

/// "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%2]:51820" (with the number of the interface) of a
/// sockaddr_in or sockaddr_in6 of exactly its size.
[[nodiscard]] Result<std::string> endpoint_text(ByteView socket_address);
/// The inverse.
[[nodiscard]] Result<Bytes> endpoint_address(const std::string& text);

}  // namespace dske::wireguard
