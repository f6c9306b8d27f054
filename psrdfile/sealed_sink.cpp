#include "psrdfile/sealed_sink.h"

#include <algorithm>

namespace dske {

AesGcm::Nonce stream_nonce(std::uint64_t number, bool last) {
  AesGcm::Nonce nonce{};
  for (std::size_t i = 0; i < sizeof(number); ++i) {
    nonce[nonce.size() - 2 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  nonce.back() = last ? 1 : 0;
  return nonce;
}

SealedSink::SealedSink(std::unique_ptr<ByteSink> inner, ByteView key, Bytes associated)
    : inner_(std::move(inner)), cipher_(key), associated_(std::move(associated)) {
  chunk_.reserve(kStreamChunkBytes);
  sealed_.reserve(kSealedChunkBytes);
}

Result<void> SealedSink::write(ByteView bytes) {
  while (!bytes.empty()) {
    // A full chunk waits for a byte behind it, since it may be the last.
    if (chunk_.size() == kStreamChunkBytes) {
      if (auto sealed = seal_chunk(false); !sealed) return sealed;
    }
    const std::size_t count = std::min(bytes.size(), kStreamChunkBytes - chunk_.size());
    chunk_.append(bytes.first(count));
    bytes = bytes.subspan(count);
  }
  return {};
}

Result<void> SealedSink::finish() {
  if (auto sealed = seal_chunk(true); !sealed) return sealed;
  return inner_->finish();
}

Result<void> SealedSink::seal_chunk(bool last) {
  sealed_.resize(chunk_.size() + AesGcm::kTagBytes);
  cipher_.seal(stream_nonce(number_++, last), associated_, chunk_.view(), sealed_);
  chunk_.clear();
  return inner_->write(sealed_);
}

}  // namespace dske
