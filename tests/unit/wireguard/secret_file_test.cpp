#include "wireguard/secret_file.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/random.h"
#include "base/temporary_directory.h"

namespace dske::wireguard {
namespace {

struct Directory {
  test::TemporaryDirectory directory;
  std::filesystem::path path = directory.path() / "pq.key";
  WatchedSecretFile file{path};

  void write(std::string_view text, std::filesystem::perms permissions = std::filesystem::perms(0600)) const {
    REQUIRE(write_file_atomically(path, as_bytes(text), 0600));
    std::filesystem::permissions(path, permissions);
  }
  [[nodiscard]] std::string current() {
    const auto now = file.current();
    return now ? std::string(now->text()) : "error: " + now.error().message;
  }
};

const std::string kFirst(32, 'a');
const std::string kSecond(44, 'b');
const std::string kThird(32, 'c');

}  // namespace

TEST_CASE("a secret file is read without the white space at its end, whenever it is asked for") {
  Directory made;
  CHECK(made.current().starts_with("error: "));
  made.write(kFirst + "\r\n");
  CHECK(made.current() == kFirst);
  made.write("  " + kSecond + " \t\n\n");
  CHECK(made.current() == "  " + kSecond);
}

TEST_CASE("a secret file that is short, long or readable for others is refused with the reason") {
  Directory made;
  made.write(kFirst.substr(1) + std::string(100, '\n'));
  CHECK(made.current().find("less than 32 bytes") != std::string::npos);
  made.write("");
  CHECK(made.current().starts_with("error: "));
  made.write(std::string(4097, 'x'));
  CHECK(made.current().starts_with("error: "));
  made.write(std::string(4096, 'x'));
  CHECK(made.current() == std::string(4096, 'x'));
  made.write(kFirst, std::filesystem::perms(0640));
  CHECK(made.current().starts_with("error: "));
}

TEST_CASE("the contents before the last change still count, those before them do not") {
  Directory made;
  SystemRandomness randomness;
  const KeyId key = KeyId::random(randomness);
  const auto tag_of = [&](const std::string& text) { return file_tag(SecretBytes::copy_of(text), key); };
  const auto found = [&](const std::string& text) {
    return std::string(made.file.tagged(tag_of(text), key).text());
  };
  made.write(kFirst);
  CHECK(found(kFirst) == kFirst);
  CHECK(found(kSecond).empty());
  made.write(kSecond);
  CHECK(found(kSecond) == kSecond);
  CHECK(found(kFirst) == kFirst);
  CHECK(made.current() == kSecond);
  made.write(kThird);
  CHECK(found(kFirst).empty());
  CHECK(found(kSecond) == kSecond);
  CHECK(found(kThird) == kThird);

  // The same contents again are no change, and a file that is gone for a moment loses nothing.
  made.write(kThird + "\n");
  CHECK(found(kSecond) == kSecond);
  std::filesystem::remove(made.path);
  CHECK(made.current().starts_with("error: "));
  CHECK(found(kThird) == kThird);
  // A tag is of one key.
  CHECK(made.file.tagged(tag_of(kThird), KeyId::random(randomness)).empty());
}

}  // namespace dske::wireguard
