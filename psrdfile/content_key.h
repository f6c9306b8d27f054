// The key of one encrypted PSRD file, sealed for who may open it (docs/protocol.md section 1.2).
#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "psrdfile/recipient.h"

namespace dske {

inline constexpr std::size_t kContentKeyBytes = 32;

/// How a content key is sealed; the values are the file's.
enum class SealKind : std::uint8_t { passphrase = 1, cms = 2 };

struct SealedContentKey {
  SealKind kind = SealKind::passphrase;
  Bytes sealed;
};

/// By a passphrase: a random salt and the key under AES-256-GCM, with the key that scrypt (RFC 7914; N =
/// 2^15, r = 8, p = 3: 32 MiB) makes of both. ErrorKind::invalid for a passphrase of less than 16 bytes, and
/// as seal_in_cms().
[[nodiscard]] Result<SealedContentKey> seal_content_key(const Recipient& recipient, ByteView key,
                                                        Randomness& randomness);

/// ErrorKind::unauthenticated if it is not for this identity, ErrorKind::corrupt if it is damaged.
[[nodiscard]] Result<SecretBytes> open_content_key(const RecipientIdentity& identity,
                                                   const SealedContentKey& sealed);

}  // namespace dske
