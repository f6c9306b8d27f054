// A client's certificate (DER) as a stranger could write it: who it says its holder is, and its line in a
// log. Its signature was verified before; what the authority let into its names was not.
#include <cstdlib>
#include <memory>
#include <string_view>

#include <openssl/x509.h>

#include "http/certificate.h"

using namespace dske::http;

namespace {

constexpr std::size_t kLogLineMost = 4096;

void require_no_zero_byte(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const unsigned char* position = data;
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      d2i_X509(nullptr, &position, static_cast<long>(size)), X509_free);
  if (!certificate) return 0;
  const PeerIdentity identity = read_identity(certificate.get());
  require_no_zero_byte(identity.common_name);
  for (const auto* names : {&identity.dns_names, &identity.uris, &identity.emails}) {
    for (const std::string& name : *names) require_no_zero_byte(name);
  }
  if (identity.sha256_fingerprint.size() != 64) std::abort();

  const std::string line = describe_certificate(certificate.get());
  if (line.empty() || line.size() > kLogLineMost) std::abort();
  for (const char letter : line + identity.subject) {
    if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') std::abort();
  }
  return 0;
}
