#include "node/key_file.h"

#include "base/base64.h"
#include "base/file.h"
#include "node/node_key.h"

namespace dske::node {
namespace {

constexpr std::size_t kFileBytesMost = 256;

}  // namespace

Result<SecretBytes> read_key_file(const std::filesystem::path& path) {
  auto text = read_file(path, kFileBytesMost);
  if (!text) return text.error();
  if (text->text().ends_with('\n')) text->resize(text->size() - 1);
  if (text->text().ends_with('\r')) text->resize(text->size() - 1);
  auto key = base64_decode(text->text());
  if (!key || key->size() != kNodeKeyBytes) {
    return invalid(path.string() +
                   " is no node key: 32 bytes in base64 are expected, 44 characters and a newline");
  }
  return key;
}

Result<void> write_key_file(const std::filesystem::path& path, ByteView key) {
  SecretBytes text;
  append_base64(text, key);
  text.push_back('\n');
  return write_file_atomically(path, text.view(), 0600);
}

Error missing_key(const std::filesystem::path& path) {
  return {ErrorKind::not_found,
          "there is no node key " + path.string() +
              ": bring it back from where it is kept, since nothing else opens this node's "
              "store (a new node: run init)"};
}

}  // namespace dske::node
