#include "base/sealer.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include <openssl/evp.h>

#include "base/random.h"

namespace dske {
namespace {

constexpr std::size_t kBlockBytes = 16;

// AES-256 of whole blocks.
SecretBytes encrypt_blocks(ByteView key, ByteView blocks) {
  SecretBytes encrypted(blocks.size());
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  int written = 0;
  const bool done = context != nullptr &&
                    EVP_EncryptInit_ex(context, EVP_aes_256_ecb(), nullptr, key.data(), nullptr) == 1 &&
                    EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
                    EVP_EncryptUpdate(context, encrypted.data(), &written, blocks.data(),
                                      static_cast<int>(blocks.size())) == 1;
  EVP_CIPHER_CTX_free(context);
  if (!done) std::abort();  // going on would store plain text
  return encrypted;
}

// Twice the block in GF(2^128) as CMAC has it (NIST SP 800-38B, section 6.1), without a branch.
void double_block(MutableByteView block) {
  const auto carry = static_cast<std::uint8_t>(block[0] >> 7);
  for (std::size_t i = 0; i + 1 < block.size(); ++i) {
    block[i] = static_cast<std::uint8_t>(block[i] << 1 | block[i + 1] >> 7);
  }
  std::uint8_t& last = block[block.size() - 1];
  last = static_cast<std::uint8_t>(last << 1 ^ carry * 0x87);
}

}  // namespace

Sealer::Sealer(SecretBytes key) : key_(std::move(key)) {
  assert(key_.size() == kKeyBytes);
}

AesGcm Sealer::derive(const Nonce& nonce) const {
  SecretBytes subkey = encrypt_blocks(key_.view(), std::array<std::uint8_t, kBlockBytes>{});
  double_block(subkey.span());
  SecretBytes blocks(2 * kBlockBytes);
  for (std::size_t i = 0; i < 2; ++i) {
    const MutableByteView block = blocks.span().subspan(i * kBlockBytes, kBlockBytes);
    block[1] = static_cast<std::uint8_t>(i + 1);
    block[2] = 'X';
    std::copy_n(nonce.begin(), AesGcm::kNonceBytes, block.begin() + 4);
    for (std::size_t j = 0; j < kBlockBytes; ++j) block[j] ^= subkey.view()[j];
  }
  return AesGcm(encrypt_blocks(key_.view(), blocks.view()).view());
}

Bytes Sealer::seal_with(const Nonce& nonce, ByteView plaintext, ByteView associated) const {
  AesGcm::Nonce inner{};
  std::copy_n(nonce.begin() + AesGcm::kNonceBytes, inner.size(), inner.begin());
  Bytes sealed(plaintext.size() + kOverheadBytes);
  std::copy(nonce.begin(), nonce.end(), sealed.begin());
  derive(nonce).seal(inner, associated, plaintext, MutableByteView(sealed).subspan(kNonceBytes));
  return sealed;
}

Bytes Sealer::seal(ByteView plaintext, ByteView associated) const {
  Nonce nonce{};
  SystemRandomness().fill(nonce);
  return seal_with(nonce, plaintext, associated);
}

Result<SecretBytes> Sealer::open(ByteView sealed, ByteView associated) const {
  if (sealed.size() < kOverheadBytes) return Error{ErrorKind::corrupt, "it is cut off"};
  Nonce nonce{};
  std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
  AesGcm::Nonce inner{};
  std::copy_n(nonce.begin() + AesGcm::kNonceBytes, inner.size(), inner.begin());
  SecretBytes plaintext(sealed.size() - kOverheadBytes);
  auto opened = derive(nonce).open(inner, associated, sealed.subspan(kNonceBytes), plaintext.span());
  if (!opened) return opened.error();
  return plaintext;
}

}  // namespace dske
