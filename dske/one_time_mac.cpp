#include "dske/one_time_mac.h"

#include <cstdlib>

#include <openssl/evp.h>

namespace dske {
namespace {

void require(bool success) {
  if (!success) std::abort();
}

EVP_MAC* poly1305() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
  require(mac != nullptr);
  return mac;
}

}  // namespace

void OneTimeMac::WipeAndFree::operator()(evp_mac_ctx_st* context) const noexcept {
  // OpenSSL 3.0 wipes the key when it makes the tag, not when it frees the context. (It must not make a
  // second one.)
  MacTag unused;
  std::size_t size = 0;
  EVP_MAC_final(context, unused.data(), &size, unused.size());
  EVP_MAC_CTX_free(context);
}

OneTimeMac::OneTimeMac(ByteView key) {
  require(key.size() == kOneTimeMacKeySize);
  context_.reset(EVP_MAC_CTX_new(poly1305()));
  require(context_ != nullptr);
  require(EVP_MAC_init(context_.get(), key.data(), key.size(), nullptr) == 1);
}

void OneTimeMac::update(ByteView bytes) {
  require(context_ != nullptr);
  require(bytes.empty() || EVP_MAC_update(context_.get(), bytes.data(), bytes.size()) == 1);
}

void OneTimeMac::update_item(ByteView item) {
  std::array<std::uint8_t, 8> length;
  for (std::size_t i = 0; i < length.size(); ++i)
    length[i] = static_cast<std::uint8_t>(item.size() >> (56 - 8 * i));
  update(length);
  update(item);
}

MacTag OneTimeMac::finish() {
  require(context_ != nullptr);
  MacTag tag;
  std::size_t size = 0;
  require(EVP_MAC_final(context_.get(), tag.data(), &size, tag.size()) == 1 && size == tag.size());
  EVP_MAC_CTX_free(context_.release());
  return tag;
}

}  // namespace dske
