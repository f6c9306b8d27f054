#include "wireguard/secret_file.h"

#include "base/file.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kBytesLeast = 32;
constexpr std::size_t kBytesMost = 4096;

bool is_space(char c) {
  return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

}  // namespace

Result<void> WatchedSecretFile::look() {
  if (auto is_private = check_private_file(path_, "secret file"); !is_private) return is_private;
  auto contents = read_file(path_, kBytesMost);
  if (!contents) return contents.error();
  while (!contents->empty() && is_space(contents->text().back())) contents->resize(contents->size() - 1);
  if (contents->size() < kBytesLeast) return invalid(path_.string() + " holds less than 32 bytes");
  if (constant_time_equal(contents->view(), now_.view())) return {};
  before_ = std::exchange(now_, std::move(*contents));
  return {};
}

Result<SecretBytes> WatchedSecretFile::current() {
  if (auto looked = look(); !looked) return looked.error();
  return now_.clone();
}

SecretBytes WatchedSecretFile::tagged(const FileTag& tag, const KeyId& key) {
  // A file that is being replaced may be unreadable for a moment; what it held is known.
  (void)look();
  for (const SecretBytes* contents : {&now_, &before_}) {
    if (!contents->empty() && constant_time_equal(file_tag(*contents, key), tag)) return contents->clone();
  }
  return {};
}

}  // namespace dske::wireguard
