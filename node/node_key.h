// The node key: 32 bytes under which a node's secrets at rest are sealed (base/sealer.h), and the place that
// keeps them (docs/management.md).
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/sealer.h"
#include "base/secret.h"
#include "base/yaml.h"

namespace dske::node {

inline constexpr std::size_t kNodeKeyBytes = Sealer::kKeyBytes;

/// A file with the key in base64 (RFC 4648) and a newline, for its owner alone. `init` makes it.
struct KeyFile {
  std::filesystem::path path;
};

/// A credential of the systemd unit: the file NAME of $CREDENTIALS_DIRECTORY, in the form of a KeyFile.
struct KeyCredential {
  std::string name;
};

/// A PKCS #11 token: the key is in a file, sealed by an AES key that does not leave the token. `init` makes
/// both.
struct KeyToken {
  std::filesystem::path module;    ///< the library of the token's maker
  std::string token;               ///< the token's label
  std::string key;                 ///< the label of its AES key
  std::filesystem::path pin_file;  ///< the user PIN and a newline, for its owner alone
  std::filesystem::path sealed;    ///< STATE_DIR/node.key.sealed
};

using NodeKeyConfig = std::variant<KeyFile, KeyCredential, KeyToken>;

/// Reads the optional member `node_key`; without it the key is in STATE_DIR/node.key. Faults are recorded in
/// `reader`. Paths that are not absolute count from the directory of `file`.
[[nodiscard]] NodeKeyConfig read_node_key_config(yaml::MappingReader& reader,
                                                 const std::filesystem::path& file,
                                                 const std::filesystem::path& state_dir);

/// For `init`: makes a new key where `config` says, unless it is there; a key that is there is checked and
/// kept. A credential is never made. A token: call it before other threads start (node/child_call.h).
[[nodiscard]] Result<void> make_node_key(const NodeKeyConfig& config);

/// The 32 bytes. ErrorKind::not_found if there is no key, ErrorKind::invalid if what is there is none or if
/// others can read its file; the error says what to do. A token: call it before other threads start.
[[nodiscard]] Result<SecretBytes> read_node_key(const NodeKeyConfig& config);

/// Puts a key that exists (from a backup, or from another place) where `config` says. ErrorKind::conflict if
/// there is one.
[[nodiscard]] Result<void> place_node_key(const NodeKeyConfig& config, ByteView key);

}  // namespace dske::node
