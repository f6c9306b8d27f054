// Certificate revocation lists (RFC 5280, 6.3) in a TLS context, of a server or a client. Internal to http/.
#pragma once

#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "base/result.h"

namespace dske::http {

/// Loads the lists (PEM) and has certificates checked against them; how many there are. The error names the
/// file; `what` says what it is. With no file nothing changes.
[[nodiscard]] Result<int> use_revocation_lists(SSL_CTX* context, const std::vector<std::string>& files,
                                               const std::string& what);

/// Whether what fails is only the look for a revocation list that could revoke the trusted authority itself.
/// Trust in it does not rest on its issuer (RFC 5280, 6.1), who is not even known if it is an intermediate
/// one. For a verification callback: such a failure is none.
[[nodiscard]] bool is_about_trusted_authority(X509_STORE_CTX* verification);

/// The first reason that OpenSSL queued, and empties the queue.
[[nodiscard]] std::string openssl_reason();

}  // namespace dske::http
