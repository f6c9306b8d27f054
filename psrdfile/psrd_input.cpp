#include "psrdfile/psrd_input.h"

#include <array>

#include "base/file_stream.h"
#include "psrdfile/recipient.h"
#include "psrdfile/sealed_file.h"

namespace dske {
namespace {

Result<bool> is_sealed(ByteSource& file) {
  std::array<std::uint8_t, kSealedMagic.size()> start{};
  std::size_t filled = 0;
  while (filled < start.size()) {
    const auto count = file.read(MutableByteView(start).subspan(filled));
    if (!count) return count.error();
    if (*count == 0) break;
    filled += *count;
  }
  return as_text(ByteView(start).first(filled)) == kSealedMagic;
}

Result<RecipientIdentity> read_identity(const IdentityFiles& files) {
  if (files.empty()) {
    return Error{ErrorKind::invalid,
                 "it is encrypted: name what opens it by --passphrase-file or --recipient-key, or by "
                 "psrd_recipient in "
                 "kme.yaml"};
  }
  if (!files.passphrase.empty()) {
    auto passphrase = read_passphrase(files.passphrase);
    if (!passphrase) return passphrase.error();
    return RecipientIdentity(std::move(*passphrase));
  }
  auto key = read_private_key(files.private_key);
  if (!key) return key.error();
  return RecipientIdentity(std::move(*key));
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_psrd_input(const std::filesystem::path& path,
                                                    const IdentityFiles& identity) {
  auto looked_at = FileSource::open(path);
  if (!looked_at) return looked_at.error();
  const auto sealed = is_sealed(**looked_at);
  if (!sealed) return sealed.error();
  auto file = FileSource::open(path);
  if (!file) return file.error();
  if (!*sealed) return std::unique_ptr<ByteSource>(std::move(*file));
  const auto opener = read_identity(identity);
  if (!opener) return opener.error().within(path.string());
  auto opened = open_sealed(*opener, std::move(*file));
  if (!opened && opened.error().kind == ErrorKind::io) return opened.error().within(path.string());
  if (!opened) return invalid(opened.error().within(path.string()).message);
  return opened;
}

}  // namespace dske
