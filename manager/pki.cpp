#include "manager/pki.h"

#include <algorithm>
#include <array>

#include <openssl/evp.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/percent_encoding.h"
#include "manager/address.h"

namespace dske::manager {
namespace {

constexpr std::size_t kPemBytesMost = std::size_t{64} << 10;
constexpr std::size_t kListBytesMost = std::size_t{16} << 20;
constexpr std::chrono::hours kDay{24};
constexpr std::chrono::hours kCaLifetime = 3650 * kDay;
constexpr std::chrono::hours kLeafLifetime = 365 * kDay;
constexpr std::chrono::hours kRenewalBefore = 30 * kDay;
constexpr std::size_t kCommonNameCharactersMost = 64;  // ub-common-name, RFC 5280
constexpr std::size_t kEncodedStemMost = 200;
constexpr std::size_t kStemBeginning = 150;

// The number of characters of a text in UTF-8.
std::size_t character_count(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string sha256_text(const std::string& text) {
  std::array<std::uint8_t, 32> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return hex_text(digest);
}

Result<Certificate> read_certificate(const std::filesystem::path& file) {
  auto pem = read_file(file, kPemBytesMost);
  if (!pem) return pem.error();
  auto certificate = Certificate::from_pem(pem->text());
  if (!certificate) return certificate.error().within(file.string());
  return certificate;
}

Result<PrivateKey> read_key(const std::filesystem::path& file) {
  auto pem = read_file(file, kPemBytesMost);
  if (!pem) return pem.error();
  auto key = PrivateKey::from_pem(pem->text());
  if (!key) return key.error().within(file.string());
  return key;
}

Result<void> write_pair(const std::filesystem::path& certificate_file, const Certificate& certificate,
                        const std::filesystem::path& key_file, const PrivateKey& key) {
  auto key_pem = key.pem();
  if (!key_pem) return key_pem.error();
  auto certificate_pem = certificate.pem();
  if (!certificate_pem) return certificate_pem.error();
  if (auto made = make_private_directories(key_file.parent_path()); !made) return made.error();
  // A crash between the two leaves a pair that does not match, which issue_missing() finds and replaces.
  if (auto written = write_file_atomically(key_file, key_pem->view(), 0600); !written) return written.error();
  return write_file_atomically(certificate_file, as_bytes(*certificate_pem), 0600);
}

}  // namespace

std::string sae_file_stem(const std::string& sae_id) {
  std::string encoded = percent_encode(sae_id);
  if (encoded.size() <= kEncodedStemMost) return encoded;
  return encoded.substr(0, kStemBeginning) + "=" + sha256_text(sae_id);
}

CertificateRequest request_for(const Subject& subject) {
  CertificateRequest request;
  if (subject.kind == CertificateKind::kme) {
    request.use = CertificateUse::server;
    request.common_name = subject.name;
    request.dns_names.emplace_back("localhost");
    if (subject.name != "localhost") request.dns_names.push_back(subject.name);
    request.ip_addresses.emplace_back("127.0.0.1");
    // Who listens on every address is called at the loopback one by the manager.
    const bool wildcard = is_wildcard_address(subject.address);
    const std::string called = !wildcard                      ? subject.address
                               : subject.address == "0.0.0.0" ? "127.0.0.1"
                                                              : "::1";
    if (called != "127.0.0.1") request.ip_addresses.push_back(called);
    return request;
  }
  request.use = CertificateUse::client;
  if (character_count(subject.name) <= kCommonNameCharactersMost) {
    request.common_name = subject.name;
  } else {
    request.organizational_unit = "DSKE SAE";
    request.uris.push_back("sae:" + percent_encode(subject.name));
  }
  return request;
}

std::filesystem::path Pki::certificate_file(CertificateKind kind, const std::string& name) const {
  if (kind == CertificateKind::kme) return directory_ / "kme" / (name + ".crt");
  return directory_ / "sae" / (sae_file_stem(name) + ".crt");
}

std::filesystem::path Pki::key_file(CertificateKind kind, const std::string& name) const {
  return certificate_file(kind, name).replace_extension(".key");
}

Result<bool> Pki::init(MissingList missing) const {
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(ca_file(), ignored);
  if (!is_there) {
    auto key = PrivateKey::generate();
    if (!key) return key.error();
    auto ca = Certificate::make_ca("DSKE network CA", *key, kCaLifetime);
    if (!ca) return ca.error();
    if (auto written = write_pair(ca_file(), *ca, ca_key_file(), *key); !written) return written.error();
  }
  auto ca = read_certificate(ca_file());
  if (!ca) return ca.error();
  if (is_there && std::filesystem::exists(crl_file(), ignored)) {
    // One that is damaged is left alone: what it revoked would be let in again.
    if (auto list = revocation_list(*ca); !list) return list.error();
    return false;
  }
  if (is_there && missing == MissingList::is_an_error) {
    return Error{ErrorKind::not_found,
                 crl_file().string() +
                     " is missing: put it back, or have `pki init` make an empty one, with which"
                     " certificates that were revoked are accepted again"};
  }
  auto key = ca_key(*ca);
  if (!key) return key.error().within("the revocation list cannot be made without the CA's key");
  if (auto written = write_list(RevocationList::make(*ca, *key)); !written) return written.error();
  return !is_there;
}

Result<PrivateKey> Pki::ca_key(const Certificate& ca) const {
  auto key = read_key(ca_key_file());
  if (key && !ca.belongs_to(*key)) {
    return invalid(ca_key_file().string() + " is not the key of " + ca_file().string());
  }
  return key;
}

Result<RevocationList> Pki::revocation_list(const Certificate& ca) const {
  auto pem = read_file(crl_file(), kListBytesMost);
  if (!pem) return pem.error();
  auto list = RevocationList::from_pem(pem->text());
  if (!list) return list.error().within(crl_file().string());
  if (!list->is_of(ca)) return invalid(crl_file().string() + " is not a list of " + ca_file().string());
  return list;
}

Result<void> Pki::write_list(const Result<RevocationList>& list) const {
  if (!list) return list.error();
  auto pem = list->pem();
  if (!pem) return pem.error();
  return write_file_atomically(crl_file(), as_bytes(*pem), 0600);
}

Result<void> Pki::revoke(const std::vector<Subject>& subjects,
                         const std::vector<std::string>& serials) const {
  auto ca = read_certificate(ca_file());
  if (!ca) return ca.error();
  auto list = revocation_list(*ca);
  if (!list) return list.error();
  auto key = ca_key(*ca);
  if (!key) return key.error().within("nothing can be revoked without the CA's key");
  std::vector<std::string> revoked = serials;
  for (const Subject& subject : subjects) {
    auto certificate = read_certificate(certificate_file(subject.kind, subject.name));
    if (!certificate) return Error{ErrorKind::not_found, certificate.error().message};
    revoked.push_back(certificate->serial());
  }
  return write_list(list->with(revoked, *ca, *key));
}

std::string Pki::problem_of(const Subject& subject, const Certificate& ca,
                            const RevocationList& revoked) const {
  const auto certificate = read_certificate(certificate_file(subject.kind, subject.name));
  if (!certificate) return certificate.error().message;
  const auto key = read_key(key_file(subject.kind, subject.name));
  if (!key) return key.error().message;
  if (!certificate->belongs_to(*key)) return "the key is another certificate's";
  if (revoked.contains(certificate->serial())) return "it is revoked";
  const CertificateRequest request = request_for(subject);
  if (auto good = certificate->verify(ca, request.use); !good) return good.error().message;
  if (certificate->common_name() != request.common_name ||
      certificate->alternative_names() != alternative_names(request)) {
    return "it was issued for another name or address";
  }
  if (certificate->expires() - std::chrono::system_clock::now() < kRenewalBefore) return "it expires soon";
  return {};
}

Result<std::vector<Subject>> Pki::issue_missing(const std::vector<Subject>& subjects) const {
  auto ca = read_certificate(ca_file());
  if (!ca) return ca.error();
  auto revoked = revocation_list(*ca);
  if (!revoked) return revoked.error();
  std::vector<Subject> missing;
  for (const Subject& subject : subjects) {
    if (!problem_of(subject, *ca, *revoked).empty()) missing.push_back(subject);
  }
  if (!missing.empty()) {
    if (auto issued = issue(missing); !issued) return issued.error();
  }
  return missing;
}

Result<void> Pki::issue(const std::vector<Subject>& subjects) const {
  auto ca = read_certificate(ca_file());
  if (!ca) return ca.error();
  auto ca_key = this->ca_key(*ca);
  if (!ca_key) return ca_key.error().within("certificates cannot be issued without the CA's key");
  for (const Subject& subject : subjects) {
    auto key = PrivateKey::generate();
    if (!key) return key.error();
    auto certificate = ca->issue(*ca_key, *key, request_for(subject), kLeafLifetime);
    if (!certificate) return certificate.error();
    auto written = write_pair(certificate_file(subject.kind, subject.name), *certificate,
                              key_file(subject.kind, subject.name), *key);
    if (!written) return written.error();
  }
  return {};
}

Result<std::vector<ListedCertificate>> Pki::list(const std::vector<Subject>& subjects) const {
  auto ca = read_certificate(ca_file());
  if (!ca) return ca.error();
  auto revoked = revocation_list(*ca);
  if (!revoked) return revoked.error();
  std::vector<ListedCertificate> all;
  all.push_back({"ca", ca_file(), ca->serial(), ca->expires(), {}});
  for (const Subject& subject : subjects) {
    ListedCertificate listed;
    listed.title = subject.title();
    listed.file = certificate_file(subject.kind, subject.name);
    if (const auto certificate = read_certificate(listed.file)) {
      listed.serial = certificate->serial();
      listed.expires = certificate->expires();
    }
    listed.problem = problem_of(subject, *ca, *revoked);
    all.push_back(std::move(listed));
  }
  return all;
}

}  // namespace dske::manager
