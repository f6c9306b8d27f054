// Which SAE a client certificate speaks for.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/names.h"
#include "base/result.h"
#include "base/yaml.h"
#include "http/identity.h"

namespace dske::kme {

/// Where in a certificate the SAE ID stands (`sae_id` in kme.yaml).
struct SaeIdentity {
  enum class From { common_name, san_uri, san_dns, san_email, fingerprint };

  From from = From::common_name;
  std::string uri_prefix;                     ///< of URIs that count; what follows is percent-decoded
  std::map<std::string, SaeId> fingerprints;  ///< SHA-256, lower-case hexadecimal without colons
};

/// Reads the member `sae_id`, if it is there. With fingerprints, each of `encryptors` has at least one.
[[nodiscard]] SaeIdentity read_sae_identity(yaml::MappingReader& reader, const std::set<SaeId>& encryptors);

/// The one of `encryptors` that a verified certificate speaks for.
///
/// common_name: the subject CN or, without one, the only SAN URI "sae:ID" with the ID percent-encoded, which
/// may be longer than a CN. san_uri, san_dns, san_email: the only name of that kind that is an SAE of this
/// KME; with none or several of them, nobody. fingerprint: whose fingerprint it is.
/// ErrorKind::forbidden with the cause, but without the subject, if it speaks for none.
[[nodiscard]] Result<SaeId> sae_of(const http::PeerIdentity& identity, const SaeIdentity& settings,
                                   const std::set<SaeId>& encryptors);

}  // namespace dske::kme
