// A node key that is kept in a file, sealed by a key of a PKCS #11 token.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "node/node_key.h"

namespace dske::node {

/// Seals `key` for `place`, making the token's key if there is none, and opens it again before anything is
/// written. ErrorKind::conflict if there is a sealed key already. Starts a process: see node/child_call.h.
[[nodiscard]] Result<void> seal_key_by_token(const KeyToken& place, ByteView key);

/// ErrorKind::not_found if there is no sealed key or the token lacks its key; see also Pkcs11Token::open.
/// Starts a process.
[[nodiscard]] Result<SecretBytes> open_key_by_token(const KeyToken& place);

}  // namespace dske::node
