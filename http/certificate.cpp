#include "http/certificate.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/clock.h"

namespace dske::http {
namespace {

std::string common_name(const X509_NAME* subject) {
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return name.find('\0') == std::string::npos ? name : std::string();
}

std::string subject_text(const X509_NAME* subject) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  if (!bio || X509_NAME_print_ex(bio.get(), subject, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
    return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string sha256_fingerprint(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

void read_alternative_names(const X509* certificate, PeerIdentity& identity) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  if (!names) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != GEN_DNS && type != GEN_URI && type != GEN_EMAIL) continue;
    const auto* string = static_cast<const ASN1_IA5STRING*>(value);
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                                static_cast<std::size_t>(ASN1_STRING_length(string)));
    if (text.find('\0') != std::string_view::npos) continue;
    auto& list = type == GEN_DNS ? identity.dns_names : type == GEN_URI ? identity.uris : identity.emails;
    list.emplace_back(text);
  }
}

// The moment that an ASN.1 time names; the epoch if it names none.
std::chrono::system_clock::time_point time_point(const ASN1_TIME* time) {
  std::tm utc{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &utc) != 1) return {};
  // "99991231235959Z" stands for no end (RFC 5280, 4.1.2.5), and is beyond what the clock's type can tell.
  constexpr std::time_t kMost = std::time_t{9} * 1000 * 1000 * 1000;
  return std::chrono::system_clock::from_time_t(std::clamp<std::time_t>(::timegm(&utc), 0, kMost));
}

std::string serial_number(const X509* certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr), BN_free);
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  if (text == nullptr) return "unknown";
  std::string serial(text);
  OPENSSL_free(text);
  return serial;
}

// Names come from strangers and may be as long as a certificate.
std::string shortened(std::string text) {
  constexpr std::size_t kMost = 200;
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

}  // namespace

PeerIdentity read_identity(X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  PeerIdentity identity;
  identity.common_name = common_name(subject);
  identity.subject = subject_text(subject);
  identity.sha256_fingerprint = sha256_fingerprint(certificate);
  identity.expires = time_point(X509_get0_notAfter(certificate));
  read_alternative_names(certificate, identity);
  return identity;
}

std::string describe_certificate(const X509* certificate) {
  return fmt::format(R"("{}" (serial number {}, issued by "{}", valid from {} to {}))",
                     shortened(subject_text(X509_get_subject_name(certificate))),
                     shortened(serial_number(certificate)),
                     shortened(subject_text(X509_get_issuer_name(certificate))),
                     utc_text(time_point(X509_get0_notBefore(certificate))),
                     utc_text(time_point(X509_get0_notAfter(certificate))));
}

}  // namespace dske::http
