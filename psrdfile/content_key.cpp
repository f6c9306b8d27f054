#include "psrdfile/content_key.h"

#include <algorithm>
#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/aes_gcm.h"
#include "psrdfile/cms_envelope.h"

namespace dske {
namespace {

constexpr std::size_t kPassphraseBytesLeast = 16;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kSealedBytes = kSaltBytes + kContentKeyBytes + AesGcm::kTagBytes;

// Each key seals one secret only, since its salt is random: so the nonce may be the same.
constexpr AesGcm::Nonce kNonce{};

AesGcm cipher_of(const Passphrase& passphrase, ByteView salt) {
  std::uint64_t cost = 32768;  // with r and p the least that OWASP's password storage cheat sheet asks for
  std::uint32_t block_size = 8;
  std::uint32_t parallel = 3;
  std::uint64_t memory_most = std::uint64_t{48} << 20;
  SecretBytes key(AesGcm::kKeyBytes);
  std::array<OSSL_PARAM, 7> params{
      OSSL_PARAM_construct_octet_string(
          OSSL_KDF_PARAM_PASSWORD, const_cast<std::uint8_t*>(passphrase.text.data()), passphrase.text.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, const_cast<std::uint8_t*>(salt.data()),
                                        salt.size()),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &cost),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &block_size),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &parallel),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_most),
      OSSL_PARAM_construct_end()};
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "SCRYPT", nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  if (EVP_KDF_derive(context, key.data(), key.size(), params.data()) != 1) std::abort();  // out of memory
  EVP_KDF_CTX_free(context);
  return AesGcm(key.view());
}

Result<SealedContentKey> seal(const Passphrase& passphrase, ByteView key, Randomness& randomness) {
  if (passphrase.text.size() < kPassphraseBytesLeast) {
    return invalid("the passphrase is shorter than " + std::to_string(kPassphraseBytesLeast) +
                   " bytes: make one with openssl rand -base64 32");
  }
  Bytes sealed(kSealedBytes);
  const MutableByteView salt = MutableByteView(sealed).first(kSaltBytes);
  randomness.fill(salt);
  cipher_of(passphrase, salt).seal(kNonce, {}, key, MutableByteView(sealed).subspan(kSaltBytes));
  return SealedContentKey{SealKind::passphrase, std::move(sealed)};
}

Result<SealedContentKey> seal(const RecipientCertificate& certificate, ByteView key,
                              Randomness& /*randomness*/) {
  auto der = seal_in_cms(certificate, key);
  if (!der) return der.error();
  return SealedContentKey{SealKind::cms, std::move(*der)};
}

Result<SecretBytes> open(const Passphrase& passphrase, const SealedContentKey& sealed) {
  if (sealed.kind != SealKind::passphrase) {
    return Error{ErrorKind::unauthenticated, "it is encrypted for a private key, not by a passphrase"};
  }
  if (sealed.sealed.size() != kSealedBytes) return Error{ErrorKind::corrupt, "its head is damaged"};
  const ByteView view(sealed.sealed);
  SecretBytes key(kContentKeyBytes);
  auto opened =
      cipher_of(passphrase, view.first(kSaltBytes)).open(kNonce, {}, view.subspan(kSaltBytes), key.span());
  if (!opened)
    return Error{ErrorKind::unauthenticated, "the passphrase is not the one that it is encrypted by"};
  return key;
}

Result<SecretBytes> open(const RecipientKey& identity, const SealedContentKey& sealed) {
  if (sealed.kind != SealKind::cms) {
    return Error{ErrorKind::unauthenticated, "it is encrypted by a passphrase, not for a private key"};
  }
  auto key = open_cms(identity, sealed.sealed, kContentKeyBytes);
  if (key && key->size() != kContentKeyBytes)
    return Error{ErrorKind::corrupt, "its CMS envelope holds no key"};
  return key;
}

}  // namespace

Result<SealedContentKey> seal_content_key(const Recipient& recipient, ByteView key, Randomness& randomness) {
  return std::visit([&](const auto& one) { return seal(one, key, randomness); }, recipient);
}

Result<SecretBytes> open_content_key(const RecipientIdentity& identity, const SealedContentKey& sealed) {
  return std::visit([&](const auto& one) { return open(one, sealed); }, identity);
}

}  // namespace dske
