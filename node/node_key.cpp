#include "node/node_key.h"

#include <cstdlib>

#include "base/file.h"
#include "base/random.h"
#include "node/key_file.h"
#include "node/token_key.h"

namespace dske::node {
namespace {

bool may_be_there(const std::filesystem::path& path) {
  std::error_code fault;
  return std::filesystem::exists(path, fault) || fault;  // what cannot be looked at is read, for its error
}

bool is_there(const KeyFile& file) {
  return may_be_there(file.path);
}

bool is_there(const KeyCredential& /*credential*/) {
  return true;  // or will never be: reading it tells
}

bool is_there(const KeyToken& place) {
  return may_be_there(place.sealed);
}

Result<SecretBytes> read(const KeyFile& file) {
  if (!may_be_there(file.path)) return missing_key(file.path);
  if (auto own = check_private_file(file.path, "node key"); !own) return own.error();
  return read_key_file(file.path);
}

Result<SecretBytes> read(const KeyCredential& credential) {
  // Nothing here changes the environment.
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  if (directory == nullptr || *directory == '\0') {
    return Error{ErrorKind::not_found,
                 "the node key is the systemd credential " + credential.name +
                     ", and this process has no credentials: only the unit's own processes have them"};
  }
  // systemd guards the directory; the file's mode tells nothing, since access lists may be in use.
  const std::filesystem::path path = std::filesystem::path(directory) / credential.name;
  if (!may_be_there(path)) {
    return Error{ErrorKind::not_found, "the unit has no credential " + credential.name +
                                           ": name it in LoadCredential= or LoadCredentialEncrypted="};
  }
  return read_key_file(path);
}

Result<SecretBytes> read(const KeyToken& place) {
  return open_key_by_token(place);
}

Result<void> place_key(const KeyFile& file, ByteView key) {
  if (may_be_there(file.path)) return Error{ErrorKind::conflict, file.path.string() + " exists already"};
  return write_key_file(file.path, key);
}

Result<void> place_key(const KeyCredential& credential, ByteView /*key*/) {
  return invalid("the node key is the systemd credential " + credential.name +
                 ": make it with systemd-creds encrypt");
}

Result<void> place_key(const KeyToken& place, ByteView key) {
  return seal_key_by_token(place, key);
}

}  // namespace

Result<void> make_node_key(const NodeKeyConfig& config) {
  if (std::visit([](const auto& place) { return is_there(place); }, config)) {
    if (auto key = read_node_key(config); !key) return key.error();
    return {};
  }
  const SecretBytes key = SystemRandomness().bytes(kNodeKeyBytes);
  return place_node_key(config, key.view());
}

Result<SecretBytes> read_node_key(const NodeKeyConfig& config) {
  return std::visit([](const auto& place) { return read(place); }, config);
}

Result<void> place_node_key(const NodeKeyConfig& config, ByteView key) {
  return std::visit([&](const auto& place) { return place_key(place, key); }, config);
}

}  // namespace dske::node
