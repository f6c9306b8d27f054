#include "http/tls_exporter.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace dske::http {

SecretBytes export_secret(ssl_st* session, const std::string& label) {
  SecretBytes secret;
  if (session == nullptr || label.empty() || SSL_is_init_finished(session) != 1 ||
      SSL_version(session) < TLS1_3_VERSION) {
    return secret;
  }
  secret.resize(kExportedBytes);
  const int made = SSL_export_keying_material(session, secret.data(), secret.size(), label.data(),
                                              label.size(), nullptr, 0, 0);
  if (made != 1) secret = SecretBytes();
  ERR_clear_error();
  return secret;
}

}  // namespace dske::http
