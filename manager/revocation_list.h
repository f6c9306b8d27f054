// The CA's certificate revocation list (RFC 5280, 5): the certificates that it issued and no server may
// accept any more.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/certificate.h"

struct X509_crl_st;

namespace dske::manager {

class RevocationList {
 public:
  /// A list that revokes nothing yet.
  [[nodiscard]] static Result<RevocationList> make(const Certificate& ca, const PrivateKey& ca_key);
  [[nodiscard]] static Result<RevocationList> from_pem(std::string_view pem);

  /// A list that revokes these serial numbers (hexadecimal) too, as of now. It is valid as long as the CA is:
  /// servers read it from a file, which is replaced when something is revoked.
  [[nodiscard]] Result<RevocationList> with(const std::vector<std::string>& serials, const Certificate& ca,
                                            const PrivateKey& ca_key) const;
  [[nodiscard]] bool contains(const std::string& serial) const;
  /// The serial numbers, in hexadecimal.
  [[nodiscard]] std::vector<std::string> serials() const;
  /// Whether this CA signed it.
  [[nodiscard]] bool is_of(const Certificate& ca) const;
  [[nodiscard]] Result<std::string> pem() const;

 private:
  explicit RevocationList(std::shared_ptr<X509_crl_st> list) : list_(std::move(list)) {}
  std::shared_ptr<X509_crl_st> list_;
};

}  // namespace dske::manager
