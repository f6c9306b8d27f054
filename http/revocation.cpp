#include "http/revocation.h"

#include <system_error>

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace dske::http {

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

Result<int> use_revocation_lists(SSL_CTX* context, const std::vector<std::string>& files,
                                 const std::string& what) {
  if (files.empty()) return 0;
  int lists = 0;
  X509_LOOKUP* lookup = X509_STORE_add_lookup(SSL_CTX_get_cert_store(context), X509_LOOKUP_file());
  for (const std::string& file : files) {
    const int read = lookup == nullptr ? 0 : X509_load_crl_file(lookup, file.c_str(), X509_FILETYPE_PEM);
    if (read <= 0) return invalid(fmt::format("{} {} cannot be used: {}", what, file, openssl_reason()));
    lists += read;
  }
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return lists;
}

bool is_about_trusted_authority(X509_STORE_CTX* verification) {
  const int error = X509_STORE_CTX_get_error(verification);
  const bool about_list =
      error == X509_V_ERR_UNABLE_TO_GET_CRL ||
      (X509_STORE_CTX_get0_current_crl(verification) != nullptr && error != X509_V_ERR_CERT_REVOKED);
  const int depth = X509_STORE_CTX_get_error_depth(verification);
  return about_list && depth > 0 && depth == sk_X509_num(X509_STORE_CTX_get0_chain(verification)) - 1;
}

}  // namespace dske::http
