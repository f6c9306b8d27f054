#include "psrdfile/sealed_source.h"

#include <algorithm>

#include "psrdfile/sealed_sink.h"

namespace dske {

SealedSource::SealedSource(std::unique_ptr<ByteSource> inner, ByteView key, Bytes associated)
    : inner_(std::move(inner)), cipher_(key), associated_(std::move(associated)) {
  sealed_.reserve(kSealedChunkBytes + 1);
  chunk_.reserve(kStreamChunkBytes);
}

Result<std::size_t> SealedSource::read(MutableByteView bytes) {
  if (given_ == chunk_.size() && !ended_) {
    if (auto opened = open_chunk(); !opened) return opened.error();
  }
  const std::size_t count = std::min(bytes.size(), chunk_.size() - given_);
  std::copy_n(chunk_.view().begin() + static_cast<std::ptrdiff_t>(given_), count, bytes.begin());
  given_ += count;
  return count;
}

// Reads on until the next chunk and one byte more are there, or the end.
Result<void> SealedSource::fill() {
  while (sealed_.size() < kSealedChunkBytes + 1) {
    const std::size_t filled = sealed_.size();
    sealed_.resize(kSealedChunkBytes + 1);
    const auto count = inner_->read(MutableByteView(sealed_).subspan(filled));
    sealed_.resize(filled + count.value_or(0));
    if (!count) return count.error();
    if (*count == 0) break;
  }
  return {};
}

Result<void> SealedSource::open_chunk() {
  if (auto filled = fill(); !filled) return filled;
  const bool last = sealed_.size() <= kSealedChunkBytes;
  const ByteView sealed = ByteView(sealed_).first(std::min(sealed_.size(), kSealedChunkBytes));
  const Error cut_off{ErrorKind::corrupt, "it is cut off"};
  if (sealed.size() < AesGcm::kTagBytes) return cut_off;
  chunk_.resize(sealed.size() - AesGcm::kTagBytes);
  given_ = 0;
  if (!cipher_.open(stream_nonce(number_, last), associated_, sealed, chunk_.span())) {
    // Which of both it is, is only for the message.
    const bool goes_on =
        last && sealed.size() == kSealedChunkBytes &&
        cipher_.open(stream_nonce(number_, false), associated_, sealed, chunk_.span()).has_value();
    chunk_.resize(0);
    return goes_on ? cut_off : Error{ErrorKind::corrupt, "it is damaged or cut off"};
  }
  // So that there is one form only.
  if (chunk_.empty() && number_ > 0) return Error{ErrorKind::corrupt, "its last chunk is empty"};
  ++number_;
  ended_ = last;
  sealed_.erase(sealed_.begin(), sealed_.begin() + static_cast<std::ptrdiff_t>(sealed.size()));
  return {};
}

}  // namespace dske
