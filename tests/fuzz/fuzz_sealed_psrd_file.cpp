// An encrypted file, with a key that is known: its head with the CMS envelope, or its chunks. Chunks that are
// accepted are what sealing their contents gives.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "psrdfile/sealed_file.h"
#include "psrdfile/sealed_sink.h"
#include "psrdfile/sealed_source.h"

using namespace dske;

namespace {

constexpr std::string_view kPrivateKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVxJu4/xKeuhFGbv4\n"
    "y9uLfNZJhGPuJllWRLxhWP1BszKhRANCAASP6U6aWdz1kRIU6jwifZ3u/wrv1caH\n"
    "OMQ79UbSslh0f/KjzW6SkjtrOSG43OCoci3FfuX1mOF2Wt1m24quufxy\n"
    "-----END PRIVATE KEY-----\n";
const Bytes kAssociated{'h', 'e', 'a', 'd'};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ByteView bytes) : bytes_(bytes) {}
  Result<std::size_t> read(MutableByteView bytes) override {
    const std::size_t count = std::min(bytes.size(), bytes_.size());
    std::copy_n(bytes_.begin(), count, bytes.begin());
    bytes_ = bytes_.subspan(count);
    return count;
  }

 private:
  ByteView bytes_;
};

class MemorySink final : public ByteSink {
 public:
  explicit MemorySink(Bytes& bytes) : bytes_(bytes) {}
  Result<void> write(ByteView bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  Bytes& bytes_;
};

Result<Bytes> read_all(ByteSource& source) {
  Bytes all;
  Bytes piece(50000);
  for (;;) {
    const auto count = source.read(piece);
    if (!count) return count.error();
    if (*count == 0) return all;
    all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto file =
      open_sealed(RecipientKey{SecretBytes::copy_of(kPrivateKey)}, std::make_unique<MemorySource>(input));
  if (file) static_cast<void>(read_all(**file));

  const SecretBytes key(AesGcm::kKeyBytes);
  SealedSource source(std::make_unique<MemorySource>(input), key.view(), kAssociated);
  const auto contents = read_all(source);
  if (!contents) return 0;
  Bytes again;
  SealedSink sink(std::make_unique<MemorySink>(again), key.view(), kAssociated);
  if (!sink.write(*contents) || !sink.finish() ||
      !std::equal(again.begin(), again.end(), input.begin(), input.end())) {
    std::abort();
  }
  return 0;
}
