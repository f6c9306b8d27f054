#include "node/node_key.h"

#include <cstdlib>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/temporary_directory.h"
#include "node/node_config.h"

namespace dske::node {
namespace {

using dske::test::TemporaryDirectory;

// 32 bytes 0, 1, 2, ... in base64.
const std::string kKeyText = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

void write_key(const std::filesystem::path& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

Result<NodeConfig> read_config(const std::string& node_key) {
  auto root = yaml::parse("state_dir: state\nport: 8100\n" + node_key, "/etc/dske/node.yaml");
  if (!root) return root.error();
  yaml::MappingReader reader(*root);
  NodeConfig config = read_node_config(reader, "/etc/dske/node.yaml");
  if (const auto fault = reader.finish()) return *fault;
  return config;
}

// Sets $CREDENTIALS_DIRECTORY for one test.
class CredentialsDirectory {
 public:
  explicit CredentialsDirectory(const std::filesystem::path& path) {
    ::setenv("CREDENTIALS_DIRECTORY", path.c_str(), 1);
  }
  CredentialsDirectory(const CredentialsDirectory&) = delete;
  CredentialsDirectory& operator=(const CredentialsDirectory&) = delete;
  ~CredentialsDirectory() { ::unsetenv("CREDENTIALS_DIRECTORY"); }
};

TEST_CASE("a node key is 32 random bytes, in base64 in a file for its owner alone") {
  const TemporaryDirectory directory;
  const KeyFile one{directory.path() / "one.key"};
  const KeyFile other{directory.path() / "other.key"};
  REQUIRE(make_node_key(one).has_value());
  REQUIRE(make_node_key(other).has_value());
  const auto key = read_node_key(one);
  const auto different = read_node_key(other);
  REQUIRE(key.has_value());
  REQUIRE(different.has_value());
  CHECK(key->size() == 32);
  CHECK_FALSE(constant_time_equal(key->view(), different->view()));
  struct stat status {};
  REQUIRE(::stat(one.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
  CHECK(status.st_size == 45);
}

TEST_CASE("a node key that is there is kept, and one that is none is not written over") {
  const TemporaryDirectory directory;
  const KeyFile file{directory.path() / "node.key"};
  write_key(file.path, kKeyText + "\n");
  REQUIRE(make_node_key(file).has_value());
  const auto key = read_node_key(file);
  REQUIRE(key.has_value());
  for (std::uint8_t i = 0; i < 32; ++i) CHECK(key->view()[i] == i);

  write_key(file.path, "no key\n");
  CHECK_FALSE(make_node_key(file).has_value());
  CHECK(std::filesystem::file_size(file.path) == 7);
}

TEST_CASE("exactly 32 bytes in base64 are a node key") {
  const TemporaryDirectory directory;
  const KeyFile file{directory.path() / "node.key"};
  for (const std::string& text : {kKeyText, kKeyText + "\n", kKeyText + "\r\n"}) {
    write_key(file.path, text);
    CHECK(read_node_key(file).has_value());
  }
  const std::string too_short = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==";
  const std::string too_long = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";
  for (const std::string& text : {std::string(), std::string("\n"), std::string(32, 'x'), " " + kKeyText,
                                  kKeyText + " ", kKeyText + "\n\n", kKeyText + kKeyText, too_short, too_long,
                                  std::string(1000, 'A'), std::string(64, '0')}) {
    write_key(file.path, text);
    const auto key = read_node_key(file);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().kind == ErrorKind::invalid);
    CHECK(key.error().message.find("node.key") != std::string::npos);
  }
}

TEST_CASE("without its node key a node is told to bring it back") {
  const TemporaryDirectory directory;
  const auto key = read_node_key(KeyFile{directory.path() / "node.key"});
  REQUIRE_FALSE(key.has_value());
  CHECK(key.error().kind == ErrorKind::not_found);
  CHECK(key.error().message.find("bring it back") != std::string::npos);
}

TEST_CASE("a node key that others can read is refused with what to do") {
  const TemporaryDirectory directory;
  const KeyFile file{directory.path() / "node.key"};
  for (const mode_t mode : {0604U, 0640U, 0660U, 0602U, 0610U}) {
    write_key(file.path, kKeyText + "\n", mode);
    const auto key = read_node_key(file);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().message.find("chmod 600") != std::string::npos);
  }
  write_key(file.path, kKeyText + "\n", 0400);
  CHECK(read_node_key(file).has_value());
}

TEST_CASE("a credential is read from the unit's directory, never made") {
  const TemporaryDirectory directory;
  const KeyCredential credential{"node-key"};
  {
    const auto key = read_node_key(credential);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().kind == ErrorKind::not_found);
    CHECK(key.error().message.find("only the unit's own processes") != std::string::npos);
  }
  const CredentialsDirectory set(directory.path());
  const auto absent = make_node_key(credential);
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().message.find("LoadCredential=") != std::string::npos);
  CHECK(std::filesystem::is_empty(directory.path()));

  write_key(directory.path() / "node-key", kKeyText + "\n", 0440);  // as systemd leaves it
  CHECK(make_node_key(credential).has_value());
  const auto key = read_node_key(credential);
  REQUIRE(key.has_value());
  CHECK(key->size() == 32);

  write_key(directory.path() / "node-key", "no key\n");
  CHECK_FALSE(make_node_key(credential).has_value());
}

TEST_CASE("a key from elsewhere is placed where none is, and never over another") {
  const TemporaryDirectory directory;
  const KeyFile from{directory.path() / "from.key"};
  const KeyFile to{directory.path() / "to.key"};
  REQUIRE(make_node_key(from).has_value());
  const auto key = read_node_key(from);
  REQUIRE(key.has_value());
  REQUIRE(place_node_key(to, key->view()).has_value());
  const auto placed = read_node_key(to);
  REQUIRE(placed.has_value());
  CHECK(constant_time_equal(placed->view(), key->view()));
  const auto again = place_node_key(to, SecretBytes(32).view());
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().kind == ErrorKind::conflict);
  const auto kept = read_node_key(to);
  REQUIRE(kept.has_value());
  CHECK(constant_time_equal(kept->view(), key->view()));
  CHECK_FALSE(place_node_key(KeyCredential{"node-key"}, key->view()).has_value());
}

TEST_CASE("a configuration names the place of the node key, STATE_DIR/node.key by default") {
  auto config = read_config("");
  REQUIRE(config.has_value());
  CHECK(std::get<KeyFile>(config->node_key).path == "/etc/dske/state/node.key");
  config = read_config("node_key: {file: keys/hub.key}\n");
  REQUIRE(config.has_value());
  CHECK(std::get<KeyFile>(config->node_key).path == "/etc/dske/keys/hub.key");
  config = read_config("node_key: {credential: node-key}\n");
  REQUIRE(config.has_value());
  CHECK(std::get<KeyCredential>(config->node_key).name == "node-key");
  config = read_config("node_key: {pkcs11: {module: /lib/m.so, token: rack 7, key: dske, pin_file: pin}}\n");
  REQUIRE(config.has_value());
  const auto& token = std::get<KeyToken>(config->node_key);
  CHECK(token.module == "/lib/m.so");
  CHECK(token.token == "rack 7");
  CHECK(token.key == "dske");
  CHECK(token.pin_file == "/etc/dske/pin");
  CHECK(token.sealed == "/etc/dske/state/node.key.sealed");
}

TEST_CASE("a fault in the place of the node key is told with its line") {
  for (const std::string text :
       {"node_key: {}", "node_key: {file: a, credential: b}", "node_key: {file: \"\"}",
        "node_key: {credential: \"\"}", "node_key: {credential: ../x}", "node_key: {credential: ..}",
        "node_key: {file: a, colour: blue}", "node_key: a", "node_key: {pkcs11: a}", "node_key: {pkcs11: {}}",
        "node_key: {pkcs11: {module: m, token: t, key: k}}",
        "node_key: {pkcs11: {module: m, token: \"\", key: k, pin_file: p}}",
        "node_key: {pkcs11: {module: m, token: t, key: k, pin_file: p, pin: 1234}}"}) {
    CAPTURE(text);
    const auto config = read_config(text + "\n");
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().message.starts_with("/etc/dske/node.yaml:3:"));
  }
}

}  // namespace
}  // namespace dske::node
