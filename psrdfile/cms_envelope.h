// A short secret encrypted to the owner of a certificate, in CMS: AuthEnvelopedData (RFC 5083) with
// AES-256-GCM (RFC 5084), RSA-OAEP with SHA-256 (RFC 3560) or ECDH (RFC 5753). The only place that includes
// OpenSSL's CMS.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "psrdfile/recipient.h"

namespace dske {

/// DER. ErrorKind::invalid if that is no certificate, if it is not valid now, or if it has an RSA key of less
/// than 2,048 bits or one for which OpenSSL has no CMS recipient.
[[nodiscard]] Result<Bytes> seal_in_cms(const RecipientCertificate& recipient, ByteView secret);

/// ErrorKind::invalid if that is no private key, ErrorKind::unauthenticated if the envelope is not for it,
/// ErrorKind::corrupt if it is no envelope, or damaged. Answers no more than `most_bytes`.
[[nodiscard]] Result<SecretBytes> open_cms(const RecipientKey& identity, ByteView der,
                                           std::size_t most_bytes);

}  // namespace dske
