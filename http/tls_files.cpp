#include "http/tls_files.h"

#include <memory>

#include <openssl/err.h>

#include "http/certificate.h"
#include "http/client.h"
#include "http/revocation.h"

namespace dske::http {

Error tls_file_error(const std::string& what, const std::string& file) {
  return {ErrorKind::invalid, what + " " + file + " cannot be used: " + openssl_reason()};
}

Result<void> use_own_certificate(SSL_CTX* context, const std::string& certificate_file,
                                 const std::string& key_file) {
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
    return tls_file_error("the certificate file", certificate_file);
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return tls_file_error("the key file", key_file);
  }
  return {};
}

Result<PeerIdentity> check_client_files(const TlsClientConfig& tls) {
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return Error{ErrorKind::internal, "OpenSSL: " + openssl_reason()};
  if (auto own = use_own_certificate(context.get(), tls.certificate_file, tls.key_file); !own)
    return own.error();
  if (SSL_CTX_load_verify_file(context.get(), tls.ca_file.c_str()) != 1)
    return tls_file_error("the CA file", tls.ca_file);
  if (auto lists = use_revocation_lists(context.get(), tls.crl_files, "the CRL file"); !lists)
    return lists.error();
  return read_identity(SSL_CTX_get0_certificate(context.get()));
}

}  // namespace dske::http
