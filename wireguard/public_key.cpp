#include "wireguard/public_key.h"

#include <algorithm>

#include "base/base64.h"

namespace dske::wireguard {

Result<PublicKey> PublicKey::from_bytes(ByteView bytes) {
  if (bytes.size() != kBytes) return invalid("a WireGuard public key has 32 bytes");
  PublicKey key;
  std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  return key;
}

Result<PublicKey> PublicKey::parse(std::string_view base64) {
  const auto bytes = base64_decode(base64);
  if (!bytes) return invalid("must be a WireGuard public key: 32 bytes in base64");
  return from_bytes(bytes->view());
}

std::string PublicKey::text() const {
  return base64_text(bytes_);
}

std::string PublicKey::hex() const {
  return hex_text(bytes_);
}

}  // namespace dske::wireguard
