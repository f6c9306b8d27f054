// X.509 certificates with ECDSA P-256 keys, made with OpenSSL: the CA's, and those that it issues.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

struct evp_pkey_st;
struct x509_st;

namespace dske::manager {

/// A key pair. Copies share it.
class PrivateKey {
 public:
  /// A fresh P-256 key.
  [[nodiscard]] static Result<PrivateKey> generate();
  [[nodiscard]] static Result<PrivateKey> from_pem(std::string_view pem);
  [[nodiscard]] Result<SecretBytes> pem() const;  ///< PKCS #8, not encrypted
  [[nodiscard]] evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

/// Clocks of hosts differ a little: certificates and revocation lists are valid from so long before they are
/// made.
inline constexpr std::chrono::seconds kBackdating{3600};

enum class CertificateUse { server, client };

/// What a certificate is issued for.
struct CertificateRequest {
  CertificateUse use = CertificateUse::client;
  std::string common_name;          ///< at most 64 characters; empty: none
  std::string organizational_unit;  ///< likewise
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> uris;
};

class Certificate {
 public:
  [[nodiscard]] static Result<Certificate> from_pem(std::string_view pem);
  /// A self-signed CA that can issue, but not make other CAs.
  [[nodiscard]] static Result<Certificate> make_ca(const std::string& name, const PrivateKey& key,
                                                   std::chrono::hours lifetime);
  /// A certificate for `key` that this CA issues. `ca_key` must be this CA's.
  [[nodiscard]] Result<Certificate> issue(const PrivateKey& ca_key, const PrivateKey& key,
                                          const CertificateRequest& request,
                                          std::chrono::hours lifetime) const;

  [[nodiscard]] Result<std::string> pem() const;
  [[nodiscard]] WallTime expires() const;
  [[nodiscard]] std::string serial() const;  ///< hexadecimal
  /// Whether the certificate's public key belongs to this private key.
  [[nodiscard]] bool belongs_to(const PrivateKey& key) const;
  /// Whether `ca` issued it for this use, and it has not expired.
  [[nodiscard]] Result<void> verify(const Certificate& ca, CertificateUse use) const;
  [[nodiscard]] x509_st* get() const { return certificate_.get(); }
  [[nodiscard]] std::string common_name() const;  ///< empty if there is none
  /// The DNS names, IP addresses and URIs, as "DNS:...", "IP:...", "URI:...".
  [[nodiscard]] std::vector<std::string> alternative_names() const;

 private:
  explicit Certificate(std::shared_ptr<x509_st> certificate) : certificate_(std::move(certificate)) {}
  std::shared_ptr<x509_st> certificate_;
};

/// The alternative names of a request, as Certificate::alternative_names() tells them.
[[nodiscard]] std::vector<std::string> alternative_names(const CertificateRequest& request);

}  // namespace dske::manager
