#include "node/node_key.h"

#include <cerrno>
#include <cstdlib>

#include <sys/stat.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/random.h"
#include "base/sealer.h"
#include "node/node_config.h"

namespace dske::node {
namespace {

constexpr std::size_t kFileBytesMost = 256;

// Base64 of the key, then at most one end of line.
Result<SecretBytes> parse_key(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  auto key = base64_decode(text);
  if (!key || key->size() != Sealer::kKeyBytes) {
    return invalid("is no node key: 32 bytes in base64 are expected (44 characters and a newline)");
  }
  return key;
}

Result<SecretBytes> read_key_file(const std::filesystem::path& path) {
  auto text = read_file(path, kFileBytesMost);
  if (!text) return text.error();
  auto key = parse_key(text->text());
  if (!key) return Error{key.error().kind, path.string() + " " + key.error().message};
  return key;
}

Result<SecretBytes> read_key(const KeyFile& file) {
  struct stat status {};
  if (::stat(file.path.c_str(), &status) != 0) {
    if (errno != ENOENT) return io_error("cannot read the node key " + file.path.string(), errno);
    return Error{ErrorKind::not_found, "there is no node key " + file.path.string() +
                                           ": bring it back from where it is kept, since nothing else opens "
                                           "this node's store (a new node: run init)"};
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return invalid("others can read the node key " + file.path.string() + ": chmod 600 it");
  }
  return read_key_file(file.path);
}

Result<SecretBytes> read_key(const KeyCredential& credential) {
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') {
    return Error{ErrorKind::not_found,
                 "the node key is the systemd credential " + credential.name +
                     ", and this process has no credentials: only the unit's own processes have them"};
  }
  // systemd guards the directory; the file's mode tells nothing, since access lists may be in use.
  const std::filesystem::path path = std::filesystem::path(directory) / credential.name;
  std::error_code fault;
  if (!std::filesystem::exists(path, fault) && !fault) {
    return Error{ErrorKind::not_found, "the unit has no credential " + credential.name +
                                           ": name it in LoadCredential= or LoadCredentialEncrypted="};
  }
  return read_key_file(path);
}

Result<void> make_key(const KeyFile& file) {
  std::error_code fault;
  if (std::filesystem::exists(file.path, fault) || fault) {
    if (auto key = read_key(file); !key) return key.error();
    return {};
  }
  SystemRandomness randomness;
  const SecretBytes key = randomness.bytes(Sealer::kKeyBytes);
  SecretBytes text;
  append_base64(text, key.view());
  text.push_back('\n');
  return write_file_atomically(file.path, text.view(), 0600);
}

Result<void> make_key(const KeyCredential& credential) {
  if (auto key = read_key(credential); !key) return key.error();
  return {};
}

}  // namespace

NodeKeyConfig read_node_key_config(yaml::MappingReader& reader, const std::filesystem::path& file,
                                   const std::filesystem::path& state_dir) {
  const KeyFile otherwise{state_dir / "node.key"};
  const auto mapping = reader.mapping("node_key");
  if (!mapping) return otherwise;
  yaml::MappingReader members(*mapping);
  NodeKeyConfig config = otherwise;
  if (members.has("file") == members.has("credential")) {
    members.fail(mapping->error("node_key: must have one of file and credential"));
  } else if (members.has("file")) {
    const std::string path = members.text("file");
    if (!members.failed() && path.empty()) members.fail("file", "must name a file");
    config = KeyFile{path.empty() ? std::filesystem::path() : resolve_path(path, file)};
  } else {
    const std::string name = members.text("credential");
    if (!members.failed() && (name.empty() || name == "." || name == ".." || name.find('/') != name.npos)) {
      members.fail("credential", "must be the name of a credential, without a directory");
    }
    config = KeyCredential{name};
  }
  if (const auto fault = members.finish()) reader.fail(*fault);
  return config;
}

Result<void> make_node_key(const NodeKeyConfig& config) {
  return std::visit([](const auto& place) { return make_key(place); }, config);
}

Result<SecretBytes> read_node_key(const NodeKeyConfig& config) {
  return std::visit([](const auto& place) { return read_key(place); }, config);
}

}  // namespace dske::node
