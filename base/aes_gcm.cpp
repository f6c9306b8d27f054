#include "base/aes_gcm.h"

#include <algorithm>
#include <cassert>
#include <climits>
#include <cstdlib>

#include <openssl/evp.h>

#include "base/secret.h"

namespace dske {
namespace {

// What cannot fail but for a lack of memory or a broken library: going on would store plain text.
void must(bool done) {
  if (!done) std::abort();
}

int int_size(ByteView bytes) {
  assert(bytes.size() <= INT_MAX);
  return static_cast<int>(bytes.size());
}

// EVP takes null for "no output" and "no nonce", so an empty view needs an address of its own.
const std::uint8_t* address_of(ByteView bytes) {
  static constexpr std::uint8_t kNothing = 0;
  return bytes.empty() ? &kNothing : bytes.data();
}

}  // namespace

struct AesGcm::Context {
  Context() : sealing(EVP_CIPHER_CTX_new()), opening(EVP_CIPHER_CTX_new()) {}
  ~Context() {
    EVP_CIPHER_CTX_free(sealing);
    EVP_CIPHER_CTX_free(opening);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_CIPHER_CTX* sealing;
  EVP_CIPHER_CTX* opening;
};

AesGcm::AesGcm(ByteView key) : context_(std::make_unique<Context>()) {
  assert(key.size() == kKeyBytes);
  must(EVP_EncryptInit_ex(context_->sealing, EVP_aes_256_gcm(), nullptr, key.data(), nullptr) == 1);
  must(EVP_DecryptInit_ex(context_->opening, EVP_aes_256_gcm(), nullptr, key.data(), nullptr) == 1);
}

AesGcm::~AesGcm() = default;
AesGcm::AesGcm(AesGcm&& other) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&& other) noexcept = default;

void AesGcm::seal(const Nonce& nonce, ByteView associated, ByteView plaintext, MutableByteView sealed) {
  assert(sealed.size() == plaintext.size() + kTagBytes);
  EVP_CIPHER_CTX* const context = context_->sealing;
  int written = 0;
  must(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1);
  must(EVP_EncryptUpdate(context, nullptr, &written, address_of(associated), int_size(associated)) == 1);
  must(EVP_EncryptUpdate(context, sealed.data(), &written, address_of(plaintext), int_size(plaintext)) == 1);
  must(EVP_EncryptFinal_ex(context, sealed.data() + written, &written) == 1);
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, sealed.data() + plaintext.size()) == 1);
}

Result<void> AesGcm::open(const Nonce& nonce, ByteView associated, ByteView sealed,
                          MutableByteView plaintext) {
  assert(sealed.size() == plaintext.size() + kTagBytes);
  EVP_CIPHER_CTX* const context = context_->opening;
  std::array<std::uint8_t, kTagBytes> tag{};
  std::copy_n(sealed.end() - kTagBytes, kTagBytes, tag.begin());
  const ByteView ciphertext = sealed.first(plaintext.size());
  int written = 0;
  std::uint8_t nowhere = 0;
  std::uint8_t* const out = plaintext.empty() ? &nowhere : plaintext.data();
  must(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1);
  must(EVP_DecryptUpdate(context, nullptr, &written, address_of(associated), int_size(associated)) == 1);
  must(EVP_DecryptUpdate(context, out, &written, address_of(ciphertext), int_size(ciphertext)) == 1);
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context, out + written, &written) == 1) return {};
  wipe(plaintext);
  return Error{ErrorKind::corrupt, "it was altered, or sealed under another key"};
}

}  // namespace dske
