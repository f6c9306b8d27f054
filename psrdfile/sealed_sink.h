// Bytes encrypted in chunks, so that a large file is written in little memory.
#pragma once

#include <memory>

#include "base/aes_gcm.h"
#include "base/byte_stream.h"
#include "base/bytes.h"
#include "base/secret.h"

namespace dske {

/// The sizes of the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar: Online Authenticated-Encryption
/// and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015) as age has it: each chunk is sealed by AES-256-GCM
/// under the same key, with a nonce that is the chunk's number in 11 bytes, big-endian, and then 1 for the
/// last chunk, else 0.
inline constexpr std::size_t kStreamChunkBytes = 65536;
inline constexpr std::size_t kSealedChunkBytes = kStreamChunkBytes + AesGcm::kTagBytes;

/// The nonce of chunk `number`.
[[nodiscard]] AesGcm::Nonce stream_nonce(std::uint64_t number, bool last);

/// Every chunk but the last has kStreamChunkBytes; the last has at least one byte, unless there are none at
/// all.
class SealedSink final : public ByteSink {
 public:
  /// `key` is of AesGcm::kKeyBytes and for this use alone; `associated` is authenticated with every chunk.
  SealedSink(std::unique_ptr<ByteSink> inner, ByteView key, Bytes associated);

  [[nodiscard]] Result<void> write(ByteView bytes) override;
  [[nodiscard]] Result<void> finish() override;

 private:
  [[nodiscard]] Result<void> seal_chunk(bool last);

  std::unique_ptr<ByteSink> inner_;
  AesGcm cipher_;
  Bytes associated_;
  SecretBytes chunk_;
  Bytes sealed_;
  std::uint64_t number_ = 0;
};

}  // namespace dske
