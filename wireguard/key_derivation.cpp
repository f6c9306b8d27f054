#include "wireguard/key_derivation.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace dske::wireguard {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kSalt = "DSKE-WireGuard-1";
constexpr std::array<std::pair<Source, std::string_view>, 4> kNames{
    {{Source::dske, "dske"}, {Source::tls, "tls"}, {Source::file, "file"}, {Source::previous, "previous"}}};

// RFC 5869: extract and expand in one.
SecretBytes hkdf(ByteView input, const Bytes& info, std::size_t size) {
  SecretBytes made(size);
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> algorithm(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                                    EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(algorithm.get()),
                                                                          EVP_KDF_CTX_free);
  std::string digest = "SHA256";
  const auto octets = [](const char* name, const std::uint8_t* data, std::size_t length) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(data), length);
  };
  const ByteView salt = as_bytes(kSalt);
  const std::array<OSSL_PARAM, 5> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      octets(OSSL_KDF_PARAM_KEY, input.data(), input.size()),
      octets(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
      octets(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end()};
  if (!context || EVP_KDF_derive(context.get(), made.data(), made.size(), parameters.data()) != 1)
    std::abort();
  return made;
}

std::array<std::uint8_t, 32> hmac(ByteView key, const Bytes& input) {
  std::array<std::uint8_t, 32> tag{};
  unsigned size = 0;
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), input.data(), input.size(), tag.data(),
             &size) == nullptr ||
      size != tag.size()) {
    std::abort();
  }
  return tag;
}

void append(Bytes& to, ByteView bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::string_view name_of(Source source) {
  return kNames[static_cast<std::size_t>(source) - 1].second;
}

std::string names_of(const std::vector<Source>& sources) {
  std::string names;
  for (const Source source : sources) names += (names.empty() ? "" : ", ") + std::string(name_of(source));
  return names;
}

std::optional<Source> source_named(std::string_view name) {
  for (const auto& [source, known] : kNames) {
    if (known == name) return source;
  }
  return std::nullopt;
}

DerivedKeys derive_keys(const DerivationContext& context, const std::vector<Ingredient>& ingredients) {
  assert(!ingredients.empty());
  SecretBytes input;
  for (const Ingredient& ingredient : ingredients) {
    const std::size_t size = ingredient.secret.size();
    assert(size > 0 && size <= 0xffff);
    input.push_back(static_cast<std::uint8_t>(ingredient.source));
    input.push_back(static_cast<std::uint8_t>(size >> 8U));
    input.push_back(static_cast<std::uint8_t>(size & 0xffU));
    input.append(ingredient.secret.view());
  }
  Bytes info;
  append(info, context.key.uuid().bytes());
  append(info, context.generator.bytes());
  append(info, context.recoverer.bytes());
  const SecretBytes all = hkdf(input.view(), info, 3 * kKeyBytes);
  const auto part = [&](std::size_t index) {
    return SecretBytes::copy_of(all.view().subspan(index * kKeyBytes, kKeyBytes));
  };
  return {part(0), part(1), part(2)};
}

Proof prove(const SecretBytes& confirmation, Role role, const KeyId& key) {
  Bytes input;
  append(input, as_bytes(role == Role::generator ? "generator" : "recoverer"));
  append(input, key.uuid().bytes());
  return hmac(confirmation.view(), input);
}

bool proves(const Proof& proof, const SecretBytes& confirmation, Role role, const KeyId& key) {
  return constant_time_equal(proof, prove(confirmation, role, key));
}

FileTag file_tag(const SecretBytes& contents, const KeyId& key) {
  Bytes label;
  append(label, as_bytes("secret file"));
  const SecretBytes tag_key = hkdf(contents.view(), label, kKeyBytes);
  Bytes input;
  append(input, key.uuid().bytes());
  const auto tag = hmac(tag_key.view(), input);
  FileTag shortened{};
  std::copy_n(tag.begin(), shortened.size(), shortened.begin());
  return shortened;
}

Fingerprint fingerprint_of(ByteView preshared_key) {
  SecretBytes input = SecretBytes::copy_of("DSKE-WireGuard-1 fingerprint");
  input.append(preshared_key);
  Fingerprint fingerprint{};
  unsigned size = 0;
  if (EVP_Digest(input.data(), input.size(), fingerprint.data(), &size, EVP_sha256(), nullptr) != 1)
    std::abort();
  return fingerprint;
}

}  // namespace dske::wireguard
