// The network's PKI in RUN/pki: one CA, a server certificate for each KME, a client certificate for each SAE.
//
// A KME's certificate has its name as CN and as a DNS name, `localhost`, 127.0.0.1 and its address. An SAE's
// has its SAE ID as CN; an ID of over 64 characters, which a CN cannot hold, stands in a SAN alone, as the
// URI "sae:ID" with the ID percent-encoded. Revoked certificates are in the list ca.crl. The CA's key
// (ca.key) is needed only to issue and may be kept elsewhere in between.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "manager/certificate.h"
#include "manager/revocation_list.h"

namespace dske::manager {

enum class CertificateKind { kme, sae };

/// Whose certificate it is.
struct Subject {
  CertificateKind kind = CertificateKind::sae;
  std::string name;     ///< the KME's name or the SAE ID
  std::string address;  ///< a KME's address

  /// "kme/carol" or "sae/ID".
  [[nodiscard]] std::string title() const { return (kind == CertificateKind::kme ? "kme/" : "sae/") + name; }
};

/// The name without suffix of an SAE's files: the ID percent-encoded; of a long one its beginning, "=" and
/// the SHA-256 of the ID, since file names end at 255 bytes.
[[nodiscard]] std::string sae_file_stem(const std::string& sae_id);

/// What a subject's certificate says.
[[nodiscard]] CertificateRequest request_for(const Subject& subject);

/// A certificate file, for `pki list`.
struct ListedCertificate {
  std::string title;  ///< "ca", "kme/carol", "sae/ID"
  std::filesystem::path file;
  std::string serial;
  WallTime expires;
  std::string problem;  ///< empty if it is in order
};

/// Not thread-safe.
class Pki {
 public:
  explicit Pki(std::filesystem::path directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::filesystem::path ca_file() const { return directory_ / "ca.crt"; }
  [[nodiscard]] std::filesystem::path ca_key_file() const { return directory_ / "ca.key"; }
  /// The CA's revocation list, which every KME heeds.
  [[nodiscard]] std::filesystem::path crl_file() const { return directory_ / "ca.crl"; }
  [[nodiscard]] std::filesystem::path certificate_file(CertificateKind kind, const std::string& name) const;
  [[nodiscard]] std::filesystem::path key_file(CertificateKind kind, const std::string& name) const;

  /// What to do about a revocation list that is missing although its CA is there.
  enum class MissingList { is_an_error, make_an_empty_one };
  /// Makes the CA if there is none, and its revocation list; whether it made the CA. Without the list that
  /// there was, what it revoked would be accepted again.
  [[nodiscard]] Result<bool> init(MissingList missing = MissingList::is_an_error) const;
  /// Issues to each subject that has no certificate in order: none, from another CA, revoked, for another
  /// address, or with less than 30 days left. Tells to which.
  [[nodiscard]] Result<std::vector<Subject>> issue_missing(const std::vector<Subject>& subjects) const;
  /// Issues to each subject anew, with a new key.
  [[nodiscard]] Result<void> issue(const std::vector<Subject>& subjects) const;
  /// Revokes the certificates that the subjects have now, and those with these serial numbers (hexadecimal).
  /// ErrorKind::not_found if a subject has none; then nothing is revoked.
  [[nodiscard]] Result<void> revoke(const std::vector<Subject>& subjects,
                                    const std::vector<std::string>& serials) const;
  /// The CA's certificate and those of the subjects.
  [[nodiscard]] Result<std::vector<ListedCertificate>> list(const std::vector<Subject>& subjects) const;

 private:
  /// What is wrong with a subject's files, or nothing.
  [[nodiscard]] std::string problem_of(const Subject& subject, const Certificate& ca,
                                       const RevocationList& revoked) const;
  [[nodiscard]] Result<RevocationList> revocation_list(const Certificate& ca) const;
  [[nodiscard]] Result<void> write_list(const Result<RevocationList>& list) const;
  /// The CA's key, if it is there and belongs to `ca`.
  [[nodiscard]] Result<PrivateKey> ca_key(const Certificate& ca) const;

  std::filesystem::path directory_;
};

}  // namespace dske::manager
