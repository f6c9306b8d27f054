// A PKCS #11 token (OASIS PKCS #11 2.40: a hardware security module, a smart card, SoftHSM) with an AES key
// that never leaves it. The only place that includes p11-kit.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske::node {

/// A session with a token, logged in as its user. It loads the maker's module into this process: see
/// node/child_call.h. Not thread-safe.
class Pkcs11Token {
 public:
  enum class Access { read_only, may_make_key };

  /// Loads `module`, finds the one token with that label, and gives it the PIN: a wrong one once. Looks again
  /// for up to a second while the token may only be in use by another process. ErrorKind::not_found if there
  /// is no such module or token or it has no PIN, ErrorKind::unauthenticated if the PIN is wrong, or if a
  /// wrong one has been given to the token before and it would be used up by guessing.
  [[nodiscard]] static Result<Pkcs11Token> open(const std::filesystem::path& module, const std::string& label,
                                                ByteView pin, Access access);
  ~Pkcs11Token();
  Pkcs11Token(Pkcs11Token&& other) noexcept;
  Pkcs11Token& operator=(Pkcs11Token&& other) noexcept;
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;

  /// Whether the token has an AES key with this label. An error if it has several, or if the key can leave
  /// the token.
  [[nodiscard]] Result<bool> has_key(const std::string& label);
  /// Makes a sensitive, non-extractable AES key of 256 bits in the token.
  [[nodiscard]] Result<void> make_key(const std::string& label);

  /// How much longer the sealed form is: a nonce and a tag.
  static constexpr std::size_t kOverheadBytes = 12 + 16;
  /// AES-256-GCM under the key that has_key() found or make_key() made, with a random nonce. Not for more
  /// than a few million secrets under one key.
  [[nodiscard]] Result<Bytes> seal(ByteView plaintext, ByteView associated);
  /// ErrorKind::corrupt unless `sealed` was sealed by this key with the same `associated`.
  [[nodiscard]] Result<SecretBytes> open_sealed(ByteView sealed, ByteView associated);

 private:
  struct Session;
  explicit Pkcs11Token(std::unique_ptr<Session> session);
  static Result<Pkcs11Token> open_once(const std::filesystem::path& module, const std::string& label,
                                       ByteView pin, Access access);
  std::unique_ptr<Session> session_;
};

}  // namespace dske::node
