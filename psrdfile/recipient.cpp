#include "psrdfile/recipient.h"

#include "base/file.h"

namespace dske {
namespace {

constexpr std::size_t kPassphraseBytesMost = 1024;
constexpr std::size_t kPemBytesMost = 65536;

}  // namespace

Result<Passphrase> read_passphrase(const std::filesystem::path& path) {
  if (auto own = check_private_file(path, "passphrase file"); !own) return own.error();
  auto text = read_file(path, kPassphraseBytesMost);
  if (!text) return text.error();
  if (text->text().ends_with('\n')) text->resize(text->size() - 1);
  if (text->text().ends_with('\r')) text->resize(text->size() - 1);
  if (text->empty()) return invalid("the passphrase file " + path.string() + " is empty");
  return Passphrase{std::move(*text)};
}

Result<RecipientCertificate> read_certificate(const std::filesystem::path& path) {
  const auto pem = read_file(path, kPemBytesMost);
  if (!pem) return pem.error();
  return RecipientCertificate{Bytes(pem->view().begin(), pem->view().end())};
}

Result<RecipientKey> read_private_key(const std::filesystem::path& path) {
  if (auto own = check_private_file(path, "private key"); !own) return own.error();
  auto pem = read_file(path, kPemBytesMost);
  if (!pem) return pem.error();
  return RecipientKey{std::move(*pem)};
}

}  // namespace dske
