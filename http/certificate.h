// Reads who a certificate is about.
#pragma once

#include <openssl/x509.h>

#include "http/identity.h"

namespace dske::http {

/// What identity.h promises. Names with an embedded zero byte are left out, as if they were absent.
[[nodiscard]] PeerIdentity read_identity(X509* certificate);

}  // namespace dske::http
