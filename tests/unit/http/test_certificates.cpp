#include "http/test_certificates.h"

#include <cstdio>
#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

namespace dske::http::test {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string("cannot make a test certificate: ") + what);
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension != nullptr, "extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <class Write>
void write_file(const std::string& path, Write write) {
  FILE* file = std::fopen(path.c_str(), "w");
  require(file != nullptr, "file");
  const bool written = write(file) == 1;
  std::fclose(file);
  require(written, "file");
}

}  // namespace

TestCertificates::TestCertificates(const std::string& authority) : TestCertificates(authority, nullptr) {}

TestCertificates::TestCertificates(const std::string& authority, TestCertificates& issuer)
    : TestCertificates(authority, &issuer) {}

TestCertificates::TestCertificates(const std::string& authority, TestCertificates* issuer) {
  std::string directory = std::filesystem::temp_directory_path() / "dske-http-XXXXXX";
  require(::mkdtemp(directory.data()) != nullptr, "directory");
  directory_ = directory;
  ca_key_.reset(EVP_EC_gen("P-256"));
  const Subject subject{{{"CN", authority}}, "", 3600};
  ca_certificate_ = issuer == nullptr ? make(Kind::authority, subject, ca_key_.get(), nullptr, ca_key_.get())
                                      : issuer->make(Kind::authority, subject, ca_key_.get(),
                                                     issuer->ca_certificate_.get(), issuer->ca_key_.get());
  ca_ = write(ca_certificate_.get(), ca_key_.get());
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Identity TestCertificates::issue(const Subject& subject) {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate =
      make(Kind::end_entity, subject, key.get(), ca_certificate_.get(), ca_key_.get());
  return write(certificate.get(), key.get());
}

std::string TestCertificates::write_crl(const std::vector<Identity>& revoked, long valid_seconds) {
  const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(X509_CRL_new(), X509_CRL_free);
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(ca_certificate_.get()));
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> begins(X509_gmtime_adj(nullptr, -7200),
                                                                     ASN1_TIME_free);
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> ends(X509_gmtime_adj(nullptr, valid_seconds),
                                                                   ASN1_TIME_free);
  X509_CRL_set1_lastUpdate(list.get(), begins.get());
  X509_CRL_set1_nextUpdate(list.get(), ends.get());
  for (const Identity& identity : revoked) {
    FILE* file = std::fopen(identity.certificate_file.c_str(), "r");
    require(file != nullptr, "file");
    const Certificate certificate(PEM_read_X509(file, nullptr, nullptr, nullptr), X509_free);
    std::fclose(file);
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
    X509_REVOKED_set_revocationDate(entry, begins.get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  X509_CRL_sort(list.get());
  require(X509_CRL_sign(list.get(), ca_key_.get(), EVP_sha256()) != 0, "signature");
  std::string path = directory_ / "ca.crl";
  write_file(path, [&](FILE* file) { return PEM_write_X509_CRL(file, list.get()); });
  return path;
}

TestCertificates::Certificate TestCertificates::make(Kind kind, const Subject& subject, EVP_PKEY* key,
                                                     X509* issuer, EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial_);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), subject.begins_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), subject.valid_seconds);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  for (const auto& [field, value] : subject.names) {
    require(X509_NAME_add_entry_by_txt(name, field.c_str(), MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), -1, 0) == 1,
            "name");
  }
  X509* signer = issuer == nullptr ? certificate.get() : issuer;
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  add_extension(certificate.get(), signer, NID_basic_constraints,
                kind == Kind::authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!subject.alternative_names.empty()) {
    add_extension(certificate.get(), signer, NID_subject_alt_name, subject.alternative_names);
  }
  require(X509_sign(certificate.get(), issuer_key, EVP_sha256()) != 0, "signature");
  return certificate;
}

Identity TestCertificates::write(X509* certificate, EVP_PKEY* key) {
  const std::string base = directory_ / std::to_string(serial_);
  const Identity identity{base + ".crt", base + ".key"};
  write_file(identity.certificate_file, [&](FILE* file) { return PEM_write_X509(file, certificate); });
  write_file(identity.key_file, [&](FILE* file) {
    return PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  return identity;
}

}  // namespace dske::http::test
