#include "node/token_key.h"

#include "base/file.h"
#include "node/child_call.h"
#include "node/key_file.h"
#include "node/pkcs11_token.h"

namespace dske::node {
namespace {

// The sealed file: these bytes, then the key sealed with them as associated data.
constexpr std::string_view kMagic = "DSKE node key sealed by PKCS #11, 1\n";
constexpr std::size_t kPinBytesMost = 1024;

Result<SecretBytes> read_pin(const std::filesystem::path& path) {
  if (auto own = check_private_file(path, "PIN file"); !own) return own.error();
  auto pin = read_file(path, kPinBytesMost);
  if (!pin) return pin.error();
  if (pin->text().ends_with('\n')) pin->resize(pin->size() - 1);
  if (pin->text().ends_with('\r')) pin->resize(pin->size() - 1);
  if (pin->empty()) return invalid("the PIN file " + path.string() + " is empty");
  return pin;
}

Result<Pkcs11Token> open_token(const KeyToken& place, Pkcs11Token::Access access) {
  const auto pin = read_pin(place.pin_file);
  if (!pin) return pin.error();
  return Pkcs11Token::open(place.module, place.token, pin->view(), access);
}

Result<SecretBytes> seal(const KeyToken& place, ByteView key) {
  auto token = open_token(place, Pkcs11Token::Access::may_make_key);
  if (!token) return token.error();
  const auto there = token->has_key(place.key);
  if (!there) return there.error();
  if (!*there) {
    if (auto made = token->make_key(place.key); !made) return made.error();
  }
  const auto sealed = token->seal(key, as_bytes(kMagic));
  if (!sealed) return sealed.error();
  const auto opened = token->open_sealed(*sealed, as_bytes(kMagic));
  if (!opened || !constant_time_equal(opened->view(), key)) {
    return Error{ErrorKind::internal, "PKCS #11 token " + place.token + " does not open what it sealed"};
  }
  return SecretBytes::copy_of(*sealed);
}

Result<SecretBytes> open(const KeyToken& place, ByteView sealed) {
  auto token = open_token(place, Pkcs11Token::Access::read_only);
  if (!token) return token.error();
  const auto there = token->has_key(place.key);
  if (!there) return there.error();
  if (!*there) {
    return Error{ErrorKind::not_found, "PKCS #11 token " + place.token + " has no key " + place.key +
                                           ": nothing else opens " + place.sealed.string()};
  }
  auto key = token->open_sealed(sealed, as_bytes(kMagic));
  if (!key) return key.error().within(place.sealed.string());
  return key;
}

}  // namespace

Result<void> seal_key_by_token(const KeyToken& place, ByteView key) {
  std::error_code fault;
  if (std::filesystem::exists(place.sealed, fault)) {
    return Error{ErrorKind::conflict, place.sealed.string() + " exists already"};
  }
  const auto sealed = call_in_child([&] { return seal(place, key); });
  if (!sealed) return sealed.error();
  Bytes contents(kMagic.begin(), kMagic.end());
  contents.insert(contents.end(), sealed->view().begin(), sealed->view().end());
  return write_file_atomically(place.sealed, contents, 0600);
}

Result<SecretBytes> open_key_by_token(const KeyToken& place) {
  std::error_code fault;
  if (!std::filesystem::exists(place.sealed, fault) && !fault) return missing_key(place.sealed);
  constexpr std::size_t kSize = kMagic.size() + Pkcs11Token::kOverheadBytes + kNodeKeyBytes;
  const auto contents = read_file(place.sealed, kSize);
  if (!contents) return contents.error();
  if (contents->size() != kSize || !contents->text().starts_with(kMagic)) {
    return Error{ErrorKind::corrupt, place.sealed.string() + " is no sealed node key, or damaged"};
  }
  return call_in_child([&] { return open(place, contents->view().subspan(kMagic.size())); });
}

}  // namespace dske::node
