#include "psrdfile/sealed_file.h"

#include <array>

#include <openssl/sha.h>

#include "psrdfile/content_key.h"
#include "psrdfile/sealed_sink.h"
#include "psrdfile/sealed_source.h"

namespace dske {
namespace {

constexpr std::size_t kSealedKeyBytesMost = 65536;
constexpr std::size_t kLengthBytes = 4;

// The magic, the kind, the length of what follows in 4 bytes, big-endian, and the sealed content key.
Bytes head_of(const SealedContentKey& key) {
  Bytes head(kSealedMagic.begin(), kSealedMagic.end());
  head.push_back(static_cast<std::uint8_t>(key.kind));
  for (std::size_t i = kLengthBytes; i-- > 0;) {
    head.push_back(static_cast<std::uint8_t>(key.sealed.size() >> (8 * i)));
  }
  head.insert(head.end(), key.sealed.begin(), key.sealed.end());
  return head;
}

// What every chunk is bound to.
Bytes digest_of(const Bytes& head) {
  Bytes digest(SHA256_DIGEST_LENGTH);
  SHA256(head.data(), head.size(), digest.data());
  return digest;
}

Result<void> read_all(ByteSource& source, MutableByteView bytes) {
  while (!bytes.empty()) {
    const auto count = source.read(bytes);
    if (!count) return count.error();
    if (*count == 0) return Error{ErrorKind::corrupt, "it is cut off"};
    bytes = bytes.subspan(*count);
  }
  return {};
}

Result<SealedContentKey> read_head(ByteSource& source) {
  std::array<std::uint8_t, kSealedMagic.size() + 1 + kLengthBytes> start{};
  if (auto read = read_all(source, start); !read) return read.error();
  if (as_text(ByteView(start).first(kSealedMagic.size())) != kSealedMagic) {
    return invalid("it is no encrypted PSRD file");
  }
  const std::uint8_t kind = start[kSealedMagic.size()];
  std::size_t size = 0;
  for (const std::uint8_t byte : ByteView(start).last(kLengthBytes)) size = size << 8 | byte;
  if ((kind != static_cast<std::uint8_t>(SealKind::passphrase) &&
       kind != static_cast<std::uint8_t>(SealKind::cms)) ||
      size > kSealedKeyBytesMost) {
    return Error{ErrorKind::corrupt, "its head is damaged"};
  }
  SealedContentKey key{static_cast<SealKind>(kind), Bytes(size)};
  if (auto read = read_all(source, key.sealed); !read) return read.error();
  return key;
}

}  // namespace

Result<std::unique_ptr<ByteSink>> seal_for(const Recipient& recipient, std::unique_ptr<ByteSink> inner,
                                           Randomness& randomness) {
  const SecretBytes key = randomness.bytes(kContentKeyBytes);
  const auto sealed = seal_content_key(recipient, key.view(), randomness);
  if (!sealed) return sealed.error();
  const Bytes head = head_of(*sealed);
  if (auto written = inner->write(head); !written) return written.error();
  return std::unique_ptr<ByteSink>(
      std::make_unique<SealedSink>(std::move(inner), key.view(), digest_of(head)));
}

Result<std::unique_ptr<ByteSource>> open_sealed(const RecipientIdentity& identity,
                                                std::unique_ptr<ByteSource> inner) {
  const auto sealed = read_head(*inner);
  if (!sealed) return sealed.error();
  const auto key = open_content_key(identity, *sealed);
  if (!key) return key.error();
  return std::unique_ptr<ByteSource>(
      std::make_unique<SealedSource>(std::move(inner), key->view(), digest_of(head_of(*sealed))));
}

}  // namespace dske
