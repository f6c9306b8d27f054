#include "node/token_key.h"

#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "node/soft_token.h"

namespace dske::node {
namespace {

using dske::test::SoftToken;

SecretBytes some_key() {
  SecretBytes key(kNodeKeyBytes);
  for (std::size_t i = 0; i < key.size(); ++i) key.span()[i] = static_cast<std::uint8_t>(i * 5 + 1);
  return key;
}

void check_error(const Result<SecretBytes>& key, ErrorKind kind, const std::string& part) {
  REQUIRE_FALSE(key.has_value());
  CAPTURE(key.error().message);
  CHECK(key.error().kind == kind);
  CHECK(key.error().message.find(part) != std::string::npos);
}

TEST_CASE("a key that a token sealed is opened by it, and is not in the file") {
  const SoftToken token;
  token.make("rack");
  const KeyToken place = token.place("rack");
  const SecretBytes key = some_key();
  REQUIRE(seal_key_by_token(place, key.view()).has_value());
  const auto opened = open_key_by_token(place);
  REQUIRE(opened.has_value());
  CHECK(constant_time_equal(opened->view(), key.view()));

  const auto sealed = read_file(place.sealed, 1000);
  REQUIRE(sealed.has_value());
  CHECK(sealed->text().find(key.text().substr(0, 8)) == std::string_view::npos);
  struct stat status {};
  REQUIRE(::stat(place.sealed.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
}

TEST_CASE("init makes the token's key and the node's key, and keeps both the next time") {
  const SoftToken token;
  token.make("rack");
  const NodeKeyConfig config = token.place("rack");
  REQUIRE(make_node_key(config).has_value());
  const auto key = read_node_key(config);
  REQUIRE(key.has_value());
  REQUIRE(make_node_key(config).has_value());
  const auto again = read_node_key(config);
  REQUIRE(again.has_value());
  CHECK(constant_time_equal(key->view(), again->view()));
  const auto over = place_node_key(config, some_key().view());
  REQUIRE_FALSE(over.has_value());
  CHECK(over.error().kind == ErrorKind::conflict);
}

TEST_CASE("two node keys may be sealed by one key of a token") {
  const SoftToken token;
  token.make("rack");
  KeyToken one = token.place("rack");
  KeyToken other = one;
  other.sealed += ".other";
  REQUIRE(make_node_key(one).has_value());
  REQUIRE(make_node_key(other).has_value());  // had it made a second key, neither could be found
  const auto first = read_node_key(one);
  const auto second = read_node_key(other);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK_FALSE(constant_time_equal(first->view(), second->view()));
}

TEST_CASE("a module or a token that is not there is named") {
  const SoftToken token;
  token.make("rack");
  const KeyToken place = token.place("rack");
  REQUIRE(make_node_key(place).has_value());

  KeyToken wrong = place;
  wrong.module = "/nowhere/module.so";
  check_error(open_key_by_token(wrong), ErrorKind::not_found,
              "there is no PKCS #11 module /nowhere/module.so");
  wrong.module = "/etc/passwd";
  check_error(open_key_by_token(wrong), ErrorKind::invalid, "/etc/passwd is no PKCS #11 module");
  wrong = place;
  wrong.token = "shelf";
  check_error(open_key_by_token(wrong), ErrorKind::not_found, "there is no PKCS #11 token shelf");
  token.make("rack");
  check_error(open_key_by_token(place), ErrorKind::invalid, "several PKCS #11 tokens rack");
}

TEST_CASE("a wrong PIN is tried once, and then none before another program has logged in") {
  const SoftToken token;
  token.make("rack");
  const KeyToken place = token.place("rack");
  REQUIRE(make_node_key(place).has_value());
  token.write_pin("4321\n");
  check_error(open_key_by_token(place), ErrorKind::unauthenticated, "the PIN is wrong");
  check_error(open_key_by_token(place), ErrorKind::unauthenticated, "this node tries none");
  token.write_pin("1234\n");
  check_error(open_key_by_token(place), ErrorKind::unauthenticated, "pkcs11-tool --login");
}

TEST_CASE("a PIN file that is missing, empty or open to others is refused before the token is asked") {
  const SoftToken token;
  token.make("rack");
  const KeyToken place = token.place("rack");
  REQUIRE(make_node_key(place).has_value());
  token.write_pin("\n");
  check_error(open_key_by_token(place), ErrorKind::invalid, "is empty");
  REQUIRE(::chmod(place.pin_file.c_str(), 0644) == 0);
  check_error(open_key_by_token(place), ErrorKind::invalid, "others can read the PIN file");
  std::filesystem::remove(place.pin_file);
  check_error(open_key_by_token(place), ErrorKind::not_found, "PIN file");
  token.write_pin("1234");
  CHECK(open_key_by_token(place).has_value());
}

TEST_CASE("a token that lost its key, or has another, does not open the node's key") {
  const SoftToken token;
  token.make("rack");
  const KeyToken place = token.place("rack");
  REQUIRE(make_node_key(place).has_value());
  token.remove("rack");
  token.make("rack");
  check_error(open_key_by_token(place), ErrorKind::not_found, "PKCS #11 token rack has no key dske");
  KeyToken another = place;
  another.sealed += ".other";
  REQUIRE(make_node_key(another).has_value());
  check_error(open_key_by_token(place), ErrorKind::corrupt, "sealed by another key");
}

TEST_CASE("a sealed key that is missing, damaged or cut off is an error") {
  const SoftToken token;
  token.make("rack");
  const KeyToken place = token.place("rack");
  check_error(open_key_by_token(place), ErrorKind::not_found, "there is no node key");
  REQUIRE(make_node_key(place).has_value());
  const auto whole = read_file(place.sealed, 1000);
  REQUIRE(whole.has_value());
  for (const std::size_t at : {std::size_t{0}, whole->size() - 48, whole->size() - 1}) {
    Bytes damaged(whole->view().begin(), whole->view().end());
    damaged[at] ^= 1;
    REQUIRE(write_file_atomically(place.sealed, damaged, 0600).has_value());
    check_error(open_key_by_token(place), ErrorKind::corrupt, place.sealed.string());
  }
  REQUIRE(write_file_atomically(place.sealed, whole->view().first(whole->size() - 1), 0600).has_value());
  check_error(open_key_by_token(place), ErrorKind::corrupt, "damaged");
  REQUIRE(write_file_atomically(place.sealed, whole->view(), 0600).has_value());
  CHECK(open_key_by_token(place).has_value());
}

}  // namespace
}  // namespace dske::node
