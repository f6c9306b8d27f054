// Certificates for tests, made when they are asked for.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace dske::http::test {

struct Identity {
  std::string certificate_file;
  std::string key_file;
};

/// What a certificate says.
struct Subject {
  std::vector<std::pair<std::string, std::string>> names;  ///< {"CN", "alice"} ...
  std::string alternative_names;                           ///< "DNS:a,URI:b" or empty
  long valid_seconds = 3600;                               ///< may be negative
  long begins_seconds = -7200;                             ///< from now
};

/// An authority with a directory of its own, removed on destruction.
class TestCertificates {
 public:
  explicit TestCertificates(const std::string& authority = "test authority");
  /// An intermediate authority, which `issuer` vouches for.
  TestCertificates(const std::string& authority, TestCertificates& issuer);
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  [[nodiscard]] const std::string& ca_file() const { return ca_.certificate_file; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  /// Issues a certificate; the files lie in the directory.
  Identity issue(const Subject& subject);
  /// Writes a revocation list of the certificates with these files; its file's name does not change.
  std::string write_crl(const std::vector<Identity>& revoked, long valid_seconds = 3600);

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  enum class Kind { authority, end_entity };

  TestCertificates(const std::string& authority, TestCertificates* issuer);
  Certificate make(Kind kind, const Subject& subject, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key);
  Identity write(X509* certificate, EVP_PKEY* key);

  std::filesystem::path directory_;
  Key ca_key_{nullptr, EVP_PKEY_free};
  Certificate ca_certificate_{nullptr, X509_free};
  Identity ca_;
  long serial_ = 0;
};

}  // namespace dske::http::test
