#include "node/node_config.h"
#include "node/node_key.h"

namespace dske::node {
namespace {

std::string text_of(yaml::MappingReader& members, std::string_view name) {
  std::string text = members.text(name);
  if (!members.failed() && text.empty()) members.fail(name, "must not be empty");
  return text;
}

std::filesystem::path path_of(yaml::MappingReader& members, std::string_view name,
                              const std::filesystem::path& file) {
  const std::string path = text_of(members, name);
  return path.empty() ? std::filesystem::path() : resolve_path(path, file);
}

NodeKeyConfig read_credential(yaml::MappingReader& members) {
  KeyCredential credential{text_of(members, "credential")};
  const std::string& name = credential.name;
  if (!members.failed() && (name == "." || name == ".." || name.find('/') != std::string::npos)) {
    members.fail("credential", "must be the name of a credential, without a directory");
  }
  return credential;
}

NodeKeyConfig read_token(yaml::MappingReader& reader, const std::filesystem::path& file,
                         const std::filesystem::path& state_dir) {
  const auto mapping = reader.mapping("pkcs11");
  if (!mapping) return KeyToken{};  // the reader has recorded why
  yaml::MappingReader members(*mapping);
  KeyToken place;
  place.module = path_of(members, "module", file);
  place.token = text_of(members, "token");
  place.key = text_of(members, "key");
  place.pin_file = path_of(members, "pin_file", file);
  place.sealed = state_dir / "node.key.sealed";
  if (const auto fault = members.finish()) reader.fail(*fault);
  return place;
}

}  // namespace

NodeKeyConfig read_node_key_config(yaml::MappingReader& reader, const std::filesystem::path& file,
                                   const std::filesystem::path& state_dir) {
  NodeKeyConfig config = KeyFile{state_dir / "node.key"};
  const auto mapping = reader.mapping("node_key");
  if (!mapping) return config;
  yaml::MappingReader members(*mapping);
  if (int{members.has("file")} + int{members.has("credential")} + int{members.has("pkcs11")} != 1) {
    members.fail(mapping->error("node_key: must have one of file, credential and pkcs11"));
  } else if (members.has("file")) {
    config = KeyFile{path_of(members, "file", file)};
  } else if (members.has("credential")) {
    config = read_credential(members);
  } else {
    config = read_token(members, file, state_dir);
  }
  if (const auto fault = members.finish()) reader.fail(*fault);
  return config;
}

}  // namespace dske::node
