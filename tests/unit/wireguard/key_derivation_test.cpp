#include "wireguard/key_derivation.h"

#include <doctest/doctest.h>

#include "base/base64.h"
#include "vectors.h"

namespace dske::wireguard {
namespace {

PublicKey key_of(const Bytes& bytes) {
  return *PublicKey::from_bytes(bytes);
}

KeyId id_of(const Bytes& bytes) {
  std::array<std::uint8_t, 16> raw{};
  std::copy(bytes.begin(), bytes.end(), raw.begin());
  return KeyId(Uuid(raw));
}

}  // namespace

TEST_CASE("keys, proofs, tags and fingerprints are those of another implementation") {
  for (const dske::test::Vector& vector : dske::test::read_vectors("wireguard/key_derivation.vec")) {
    INFO(vector.where());
    std::vector<Ingredient> ingredients;
    for (const std::string& text : vector.texts("Ingredient")) {
      const std::size_t space = text.find(' ');
      ingredients.push_back(
          {*source_named(text.substr(0, space)),
           SecretBytes::copy_of(dske::test::from_hex(std::string_view(text).substr(space + 1)))});
    }
    const KeyId id = id_of(vector.bytes("KeyId"));
    const DerivedKeys derived =
        derive_keys({id, key_of(vector.bytes("Generator")), key_of(vector.bytes("Recoverer"))}, ingredients);
    CHECK(dske::test::to_hex(derived.preshared_key.view()) == vector.text("PresharedKey"));
    CHECK(dske::test::to_hex(derived.confirmation.view()) == vector.text("Confirmation"));
    CHECK(dske::test::to_hex(derived.chain.view()) == vector.text("Chain"));
    CHECK(hex_text(prove(derived.confirmation, Role::generator, id)) == vector.text("GeneratorProof"));
    CHECK(hex_text(prove(derived.confirmation, Role::recoverer, id)) == vector.text("RecovererProof"));
    CHECK(
        proves(prove(derived.confirmation, Role::generator, id), derived.confirmation, Role::generator, id));
    CHECK_FALSE(
        proves(prove(derived.confirmation, Role::generator, id), derived.confirmation, Role::recoverer, id));
    CHECK(hex_text(fingerprint_of(derived.preshared_key.view())) == vector.text("Fingerprint"));
    for (const Ingredient& ingredient : ingredients) {
      if (ingredient.source == Source::file)
        CHECK(hex_text(file_tag(ingredient.secret, id)) == vector.text("FileTag"));
    }
  }
}

TEST_CASE("roles follow the raw bytes, not their base64 text") {
  std::array<std::uint8_t, 32> low{};
  std::array<std::uint8_t, 32> high{};
  low[0] = 0x00;   // "A..."
  high[0] = 0xfc;  // "/...", which is less than "A" as text
  const PublicKey first(low);
  const PublicKey second(high);
  REQUIRE(second.text() < first.text());
  CHECK(role_of(first, second) == Role::generator);
  CHECK(role_of(second, first) == Role::recoverer);
  CHECK(PublicKey::parse(first.text()) == first);
  for (const char* bad : {"", "AAAA", "not base64", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    CHECK_FALSE(PublicKey::parse(bad).has_value());
}

}  // namespace dske::wireguard
