// Who a verified certificate says its holder is.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace dske::http {

/// Read once per connection, at the end of the handshake, from the peer's verified certificate.
struct PeerIdentity {
  std::string common_name;  ///< the subject's only CN, in UTF-8; empty if there is none or more than one
  std::vector<std::string> dns_names;
  std::vector<std::string> uris;
  std::vector<std::string> emails;
  std::string sha256_fingerprint;                 ///< of the whole certificate, lower-case hexadecimal
  std::string subject;                            ///< RFC 2253 text, for logs
  std::chrono::system_clock::time_point expires;  ///< the end of its validity
};

}  // namespace dske::http
