#include "manager/revocation_list.h"

#include <algorithm>
#include <ctime>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace dske::manager {
namespace {

using Time = std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)>;
using Integer = std::unique_ptr<ASN1_INTEGER, decltype(&ASN1_INTEGER_free)>;

Error failed(const char* doing) {
  ERR_clear_error();
  return {ErrorKind::internal, std::string("cannot ") + doing + " a revocation list"};
}

Integer integer(const std::string& hexadecimal) {
  BIGNUM* number = nullptr;
  const bool whole = !hexadecimal.empty() &&
                     hexadecimal.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos &&
                     BN_hex2bn(&number, hexadecimal.c_str()) == static_cast<int>(hexadecimal.size());
  Integer serial(whole ? BN_to_ASN1_INTEGER(number, nullptr) : nullptr, ASN1_INTEGER_free);
  BN_free(number);
  return serial;
}

bool revoke(X509_CRL* list, const ASN1_INTEGER* serial, const ASN1_TIME* when) {
  X509_REVOKED* entry = X509_REVOKED_new();
  if (entry == nullptr) return false;
  if (X509_REVOKED_set_serialNumber(entry, const_cast<ASN1_INTEGER*>(serial)) == 1 &&  // NOLINT(*-const-cast)
      X509_REVOKED_set_revocationDate(entry, const_cast<ASN1_TIME*>(when)) == 1 &&     // NOLINT(*-const-cast)
      X509_CRL_add0_revoked(list, entry) == 1) {
    return true;
  }
  X509_REVOKED_free(entry);
  return false;
}

// Signed anew, now, with everything that it revokes.
bool seal(X509_CRL* list, const Certificate& ca, const PrivateKey& ca_key) {
  const Time begin(X509_gmtime_adj(nullptr, -static_cast<long>(kBackdating.count())), ASN1_TIME_free);
  return begin != nullptr && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
         X509_CRL_set_issuer_name(list, X509_get_subject_name(ca.get())) == 1 &&
         X509_CRL_set1_lastUpdate(list, begin.get()) == 1 &&
         X509_CRL_set1_nextUpdate(list, X509_get0_notAfter(ca.get())) == 1 && X509_CRL_sort(list) == 1 &&
         X509_CRL_sign(list, ca_key.get(), EVP_sha256()) != 0;
}

std::string text_of(const ASN1_INTEGER* serial) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(ASN1_INTEGER_to_BN(serial, nullptr), BN_free);
  char* text = number != nullptr ? BN_bn2hex(number.get()) : nullptr;
  std::string hexadecimal = text != nullptr ? text : "";
  OPENSSL_free(text);
  return hexadecimal;
}

}  // namespace

Result<RevocationList> RevocationList::make(const Certificate& ca, const PrivateKey& ca_key) {
  std::shared_ptr<X509_CRL> list(X509_CRL_new(), X509_CRL_free);
  if (list == nullptr || !seal(list.get(), ca, ca_key)) return failed("make");
  return RevocationList(std::move(list));
}

Result<RevocationList> RevocationList::from_pem(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
  std::shared_ptr<X509_CRL> list(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr), X509_CRL_free);
  ERR_clear_error();
  if (list == nullptr) return invalid("is not a certificate revocation list in PEM");
  return RevocationList(std::move(list));
}

Result<RevocationList> RevocationList::with(const std::vector<std::string>& serials, const Certificate& ca,
                                            const PrivateKey& ca_key) const {
  std::shared_ptr<X509_CRL> list(X509_CRL_new(), X509_CRL_free);
  const Time now(X509_gmtime_adj(nullptr, 0), ASN1_TIME_free);
  if (list == nullptr || now == nullptr) return failed("make");
  STACK_OF(X509_REVOKED)* before = X509_CRL_get_REVOKED(list_.get());
  for (int i = 0; i < sk_X509_REVOKED_num(before); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(before, i);
    if (!revoke(list.get(), X509_REVOKED_get0_serialNumber(entry), X509_REVOKED_get0_revocationDate(entry)))
      return failed("make");
  }
  for (const std::string& text : serials) {
    if (contains(text)) continue;
    const Integer serial = integer(text);
    if (serial == nullptr) return invalid(text + " is not a serial number in hexadecimal");
    if (!revoke(list.get(), serial.get(), now.get())) return failed("make");
  }
  if (!seal(list.get(), ca, ca_key)) return failed("make");
  return RevocationList(std::move(list));
}

bool RevocationList::contains(const std::string& text) const {
  const Integer serial = integer(text);
  if (serial == nullptr) return false;
  X509_REVOKED* found = nullptr;
  return X509_CRL_get0_by_serial(list_.get(), &found, serial.get()) == 1;
}

std::vector<std::string> RevocationList::serials() const {
  std::vector<std::string> all;
  STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(list_.get());
  const int count = sk_X509_REVOKED_num(revoked);
  all.reserve(count > 0 ? static_cast<std::size_t>(count) : 0);
  for (int i = 0; i < count; ++i)
    all.push_back(text_of(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i))));
  return all;
}

bool RevocationList::is_of(const Certificate& ca) const {
  const bool is_of = X509_CRL_verify(list_.get(), X509_get0_pubkey(ca.get())) == 1;
  ERR_clear_error();
  return is_of;
}

Result<std::string> RevocationList::pem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), BIO_free_all);
  if (bio == nullptr || PEM_write_bio_X509_CRL(bio.get(), list_.get()) != 1) return failed("write");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace dske::manager
