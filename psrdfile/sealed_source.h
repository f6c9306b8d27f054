// The other side of psrdfile/sealed_sink.h.
#pragma once

#include <memory>

#include "base/aes_gcm.h"
#include "base/byte_stream.h"
#include "base/bytes.h"
#include "base/secret.h"

namespace dske {

/// Gives bytes out only when their chunk has been authenticated; that nothing is missing behind them is known
/// at the end. After an error it must not be read again.
class SealedSource final : public ByteSource {
 public:
  SealedSource(std::unique_ptr<ByteSource> inner, ByteView key, Bytes associated);

  /// ErrorKind::corrupt, told apart: bytes that are damaged, or in another order, and bytes that are missing
  /// at the end.
  [[nodiscard]] Result<std::size_t> read(MutableByteView bytes) override;

 private:
  [[nodiscard]] Result<void> fill();
  [[nodiscard]] Result<void> open_chunk();

  std::unique_ptr<ByteSource> inner_;
  AesGcm cipher_;
  Bytes associated_;
  Bytes sealed_;  // the next chunk, and the first byte of the one after it if there is one
  SecretBytes chunk_;
  std::size_t given_ = 0;  // of chunk_
  std::uint64_t number_ = 0;
  bool ended_ = false;
};

}  // namespace dske
