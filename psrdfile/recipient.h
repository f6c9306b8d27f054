// For whom a PSRD file is encrypted, and what opens it.
#pragma once

#include <filesystem>
#include <variant>

#include "base/result.h"
#include "base/secret.h"

namespace dske {

/// What both sides know. It is no better than its entropy: 256 bits of it (openssl rand -base64 32) need no
/// belief in anything but AES-256.
struct Passphrase {
  SecretBytes text;
};

/// An X.509 certificate in PEM with an RSA or EC key, or one of whatever kind else the OpenSSL in use has CMS
/// recipients for. RSA and EC keys do not withstand a quantum computer, also one that comes later.
struct RecipientCertificate {
  Bytes pem;
};

/// The private key of a certificate, in PEM, not encrypted itself.
struct RecipientKey {
  SecretBytes pem;
};

using Recipient = std::variant<Passphrase, RecipientCertificate>;
using RecipientIdentity = std::variant<Passphrase, RecipientKey>;

/// The contents of a file without an end of line. ErrorKind::invalid if it is empty, larger than 1,024 bytes,
/// or if anybody but its owner has rights to it.
[[nodiscard]] Result<Passphrase> read_passphrase(const std::filesystem::path& path);
[[nodiscard]] Result<RecipientCertificate> read_certificate(const std::filesystem::path& path);
/// ErrorKind::invalid if anybody but its owner has rights to it.
[[nodiscard]] Result<RecipientKey> read_private_key(const std::filesystem::path& path);

}  // namespace dske
