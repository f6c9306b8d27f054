#include "node/management_token.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/random.h"

namespace dske::node {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kFileBytesMost = 256;

std::filesystem::path token_file(const std::filesystem::path& state_dir) {
  return state_dir / "management.token";
}

}  // namespace

Result<void> make_management_token(const std::filesystem::path& state_dir) {
  if (std::filesystem::exists(token_file(state_dir))) return {};
  SystemRandomness randomness;
  const SecretBytes token = randomness.bytes(kTokenBytes);
  SecretBytes text;
  append_base64(text, token.view());
  text.push_back('\n');
  return write_file_atomically(token_file(state_dir), text.view(), 0600);
}

Result<SecretBytes> read_management_token(const std::filesystem::path& state_dir) {
  auto text = read_file(token_file(state_dir), kFileBytesMost);
  if (!text) return text.error().within("no management token; run init");
  while (!text->empty() && (text->text().back() == '\n' || text->text().back() == ' '))
    text->resize(text->size() - 1);
  if (text->size() < kTokenBytes) return invalid(token_file(state_dir).string() + " holds no token");
  return text;
}

}  // namespace dske::node
