// The node key: 32 bytes under which a node's secrets at rest are sealed (base/sealer.h), and the place that
// keeps them (docs/management.md).
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "base/result.h"
#include "base/secret.h"
#include "base/yaml.h"

namespace dske::node {

/// A file with the key in base64 (RFC 4648) and a newline, for its owner alone. `init` makes it.
struct KeyFile {
  std::filesystem::path path;
};

/// A credential of the systemd unit: the file NAME of $CREDENTIALS_DIRECTORY, in the form of a KeyFile.
struct KeyCredential {
  std::string name;
};

using NodeKeyConfig = std::variant<KeyFile, KeyCredential>;

/// Reads the optional member `node_key`; without it the key is in STATE_DIR/node.key. Faults are recorded in
/// `reader`. Paths that are not absolute count from the directory of `file`.
[[nodiscard]] NodeKeyConfig read_node_key_config(yaml::MappingReader& reader,
                                                 const std::filesystem::path& file,
                                                 const std::filesystem::path& state_dir);

/// For `init`: makes a new key where `config` says, unless it is there; a key that is there is checked and
/// kept. A credential is never made.
[[nodiscard]] Result<void> make_node_key(const NodeKeyConfig& config);

/// The 32 bytes. ErrorKind::not_found if there is no key, ErrorKind::invalid if what is there is none or if
/// others can read its file; the error says what to do.
[[nodiscard]] Result<SecretBytes> read_node_key(const NodeKeyConfig& config);

}  // namespace dske::node
