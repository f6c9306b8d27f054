// Reads who a certificate is about.
#pragma once

#include <string>

#include <openssl/x509.h>

#include "http/identity.h"

namespace dske::http {

/// What identity.h promises. Names with an embedded zero byte are left out, as if they were absent.
[[nodiscard]] PeerIdentity read_identity(X509* certificate);

/// One line for a log, of a few hundred bytes at most, without control characters: subject, serial number,
/// issuer and validity. What the subject says was not verified.
[[nodiscard]] std::string describe_certificate(const X509* certificate);

}  // namespace dske::http
