// Certificates, keys and authorities from files into a TLS context, of a server or a client. Internal to
// http/.
#pragma once

#include <string>

#include <openssl/ssl.h>

#include "base/result.h"

namespace dske::http {

/// That a file cannot be used, with OpenSSL's first reason; `what` says what it is.
[[nodiscard]] Error tls_file_error(const std::string& what, const std::string& file);

/// The certificate (PEM, with those of intermediate authorities behind it) and its key, which must not be
/// encrypted: a daemon does not ask a terminal. The error names the file.
[[nodiscard]] Result<void> use_own_certificate(SSL_CTX* context, const std::string& certificate_file,
                                               const std::string& key_file);

}  // namespace dske::http
