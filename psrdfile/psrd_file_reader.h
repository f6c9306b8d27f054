// Reads a PSRD file of either form, in little memory if it is binary.
#pragma once

#include <memory>

#include "base/byte_stream.h"
#include "base/secret.h"
#include "psrdfile/psrd_checksum.h"
#include "psrdfile/psrd_header.h"

namespace dske {

/// Answers the block's bytes in their order. The last of them, and the end, come only if the whole file is
/// sound: checksum, size, nothing behind it. Errors say what is wrong. Not thread-safe.
class PsrdFileReader final : public ByteSource {
 public:
  /// Reads as far as the header. `in` must outlive the reader.
  [[nodiscard]] static Result<std::unique_ptr<PsrdFileReader>> open(ByteSource& in);

  [[nodiscard]] const PsrdHeader& header() const { return header_; }
  [[nodiscard]] Result<std::size_t> read(MutableByteView bytes) override;

 private:
  PsrdFileReader(ByteSource& in, PsrdHeader header);
  [[nodiscard]] static Result<std::unique_ptr<PsrdFileReader>> open_json(ByteSource& in, SecretBytes begun);
  [[nodiscard]] static Result<std::unique_ptr<PsrdFileReader>> open_binary(ByteSource& in);
  [[nodiscard]] Result<void> check_end();

  ByteSource& in_;
  const PsrdHeader header_;
  PsrdChecksum checksum_;
  std::uint64_t left_;
  bool checked_ = false;  // the whole file is known to be sound
  SecretBytes data_;      // of the JSON form
};

}  // namespace dske
