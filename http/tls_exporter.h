// Secrets exported from a TLS connection (RFC 8446, 7.5). Internal to http/.
#pragma once

#include <string>

#include "base/secret.h"

struct ssl_st;

namespace dske::http {

inline constexpr std::size_t kExportedBytes = 48;

/// 48 bytes that both ends of this connection can compute and nobody else. Empty without a label, before the
/// handshake's end, and below TLS 1.3, where they would need an extension that a peer may lack.
[[nodiscard]] SecretBytes export_secret(ssl_st* session, const std::string& label);

}  // namespace dske::http
