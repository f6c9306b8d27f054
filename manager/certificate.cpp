#include "manager/certificate.h"

#include <array>
#include <ctime>

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace dske::manager {
namespace {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* held) const {
    release(held);
  }
};
using Bio = std::unique_ptr<BIO, Releaser<BIO_free_all>>;
using Number = std::unique_ptr<BIGNUM, Releaser<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Releaser<X509_EXTENSION_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Releaser<GENERAL_NAMES_free>>;
using Store = std::unique_ptr<X509_STORE, Releaser<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Releaser<X509_STORE_CTX_free>>;

constexpr int kSerialBits = 127;

Error openssl_error(const std::string& doing) {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code != 0) ERR_error_string_n(code, text.data(), text.size());
  return {ErrorKind::internal, "cannot " + doing + (code != 0 ? std::string(": ") + text.data() : "")};
}

Bio reading(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Returns no password: an encrypted key is refused instead of asking on the terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return 0;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_name_entry(X509_NAME* name, int nid, const std::string& text) {
  return text.empty() || X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                                    reinterpret_cast<const unsigned char*>(text.data()),
                                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool set_random_serial(X509* certificate) {
  const Number number(BN_new());
  return number != nullptr && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, std::chrono::hours lifetime) {
  const std::time_t now = std::time(nullptr);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime);
  std::time_t begin = now - static_cast<std::time_t>(kBackdating.count());
  std::time_t end = now + static_cast<std::time_t>(seconds.count());
  return X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &begin) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), 0, 0, &end) != nullptr;
}

std::shared_ptr<X509> new_certificate(const PrivateKey& key, std::chrono::hours lifetime) {
  std::shared_ptr<X509> made(X509_new(), X509_free);
  constexpr long kVersion3 = 2;
  if (made == nullptr || X509_set_version(made.get(), kVersion3) != 1 || !set_random_serial(made.get()) ||
      !set_validity(made.get(), lifetime) || X509_set_pubkey(made.get(), key.get()) != 1) {
    return nullptr;
  }
  return made;
}

bool push_text_name(GENERAL_NAMES* names, int type, const std::string& text) {
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_IA5STRING* const value = ASN1_IA5STRING_new();
  if (name == nullptr || value == nullptr ||
      ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
    GENERAL_NAME_free(name);
    ASN1_IA5STRING_free(value);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, value);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool push_address(GENERAL_NAMES* names, const std::string& address) {
  ASN1_OCTET_STRING* const value = a2i_IPADDRESS(address.c_str());
  GENERAL_NAME* const name = GENERAL_NAME_new();
  if (name == nullptr || value == nullptr) {
    GENERAL_NAME_free(name);
    ASN1_OCTET_STRING_free(value);
    return false;
  }
  GENERAL_NAME_set0_value(name, GEN_IPADD, value);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

// Without a common name, the alternative names are all that names the holder: RFC 5280 wants them critical
// then.
bool add_alternative_names(X509* certificate, const CertificateRequest& request) {
  const Names names(sk_GENERAL_NAME_new_null());
  if (names == nullptr) return false;
  for (const std::string& dns : request.dns_names) {
    if (!push_text_name(names.get(), GEN_DNS, dns)) return false;
  }
  for (const std::string& address : request.ip_addresses) {
    if (!push_address(names.get(), address)) return false;
  }
  for (const std::string& uri : request.uris) {
    if (!push_text_name(names.get(), GEN_URI, uri)) return false;
  }
  if (sk_GENERAL_NAME_num(names.get()) == 0) return true;
  const int critical = request.common_name.empty() ? 1 : 0;
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), critical, 0) == 1;
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_text(const ASN1_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (::inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size()) == nullptr) return {};
  return text.data();
}

}  // namespace

Result<PrivateKey> PrivateKey::generate() {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  if (key == nullptr) return openssl_error("make a key");
  return PrivateKey(std::move(key));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  const Bio bio = reading(pem);
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr),
                                EVP_PKEY_free);
  if (key == nullptr) {
    ERR_clear_error();
    return invalid("is not an unencrypted private key in PEM");
  }
  return PrivateKey(std::move(key));
}

Result<SecretBytes> PrivateKey::pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_error("write a key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  SecretBytes text = SecretBytes::copy_of(std::string_view(data, static_cast<std::size_t>(size)));
  wipe({reinterpret_cast<std::uint8_t*>(data), static_cast<std::size_t>(size)});
  return text;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  const Bio bio = reading(pem);
  std::shared_ptr<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr), X509_free);
  if (certificate == nullptr) {
    ERR_clear_error();
    return invalid("is not a certificate in PEM");
  }
  return Certificate(std::move(certificate));
}

Result<Certificate> Certificate::make_ca(const std::string& name, const PrivateKey& key,
                                         std::chrono::hours lifetime) {
  const auto made = new_certificate(key, lifetime);
  if (made == nullptr) return openssl_error("make a CA certificate");
  X509* const raw = made.get();
  if (!add_name_entry(X509_get_subject_name(raw), NID_commonName, name) ||
      X509_set_issuer_name(raw, X509_get_subject_name(raw)) != 1 ||
      !add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(raw, raw, NID_subject_key_identifier, "hash") ||
      X509_sign(raw, key.get(), EVP_sha256()) == 0) {
    return openssl_error("make a CA certificate");
  }
  return Certificate(made);
}

Result<Certificate> Certificate::issue(const PrivateKey& ca_key, const PrivateKey& key,
                                       const CertificateRequest& request, std::chrono::hours lifetime) const {
  const auto made = new_certificate(key, lifetime);
  if (made == nullptr) return openssl_error("make a certificate");
  X509* const raw = made.get();
  X509* const issuer = certificate_.get();
  const char* const use = request.use == CertificateUse::server ? "serverAuth" : "clientAuth";
  if (!add_name_entry(X509_get_subject_name(raw), NID_organizationalUnitName, request.organizational_unit) ||
      !add_name_entry(X509_get_subject_name(raw), NID_commonName, request.common_name) ||
      X509_set_issuer_name(raw, X509_get_subject_name(issuer)) != 1 ||
      !add_extension(raw, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(raw, issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(raw, issuer, NID_ext_key_usage, use) ||
      !add_extension(raw, issuer, NID_subject_key_identifier, "hash") ||
      !add_extension(raw, issuer, NID_authority_key_identifier, "keyid:always") ||
      !add_alternative_names(raw, request) || X509_sign(raw, ca_key.get(), EVP_sha256()) == 0) {
    return openssl_error("make a certificate for " + request.common_name + request.organizational_unit);
  }
  return Certificate(made);
}

Result<std::string> Certificate::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate_.get()) != 1) {
    return openssl_error("write a certificate");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

WallTime Certificate::expires() const {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate_.get()), &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string Certificate::serial() const {
  const Number number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate_.get()), nullptr));
  char* const text = number != nullptr ? BN_bn2hex(number.get()) : nullptr;
  std::string serial = text != nullptr ? text : "";
  OPENSSL_free(text);
  return serial;
}

bool Certificate::belongs_to(const PrivateKey& key) const {
  const bool belongs = X509_check_private_key(certificate_.get(), key.get()) == 1;
  ERR_clear_error();
  return belongs;
}

Result<void> Certificate::verify(const Certificate& ca, CertificateUse use) const {
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  if (store == nullptr || context == nullptr ||
      X509_STORE_add_cert(store.get(), ca.certificate_.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate_.get(), nullptr) != 1) {
    return openssl_error("check a certificate");
  }
  X509_STORE_CTX_set_purpose(
      context.get(), use == CertificateUse::server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
  if (X509_verify_cert(context.get()) == 1) return {};
  ERR_clear_error();
  return invalid(X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
}

std::string Certificate::common_name() const {
  const X509_NAME* const subject = X509_get_subject_name(certificate_.get());
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return name;
}

std::vector<std::string> Certificate::alternative_names() const {
  std::vector<std::string> all;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate_.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const auto* const value = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    if (type == GEN_DNS) all.push_back("DNS:" + text_of(value));
    if (type == GEN_IPADD) all.push_back("IP:" + address_text(value));
    if (type == GEN_URI) all.push_back("URI:" + text_of(value));
  }
  return all;
}

std::vector<std::string> alternative_names(const CertificateRequest& request) {
  std::vector<std::string> all;
  for (const std::string& dns : request.dns_names) all.push_back("DNS:" + dns);
  for (const std::string& address : request.ip_addresses) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
    // In its shortest form, as a certificate's address is told.
    if (::inet_pton(family, address.c_str(), bytes.data()) == 1 &&
        ::inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr) {
      all.push_back(std::string("IP:") + text.data());
    }
  }
  for (const std::string& uri : request.uris) all.push_back("URI:" + uri);
  return all;
}

}  // namespace dske::manager
