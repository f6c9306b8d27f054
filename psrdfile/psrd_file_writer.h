// Writes a PSRD file as its block's bytes come.
#pragma once

#include <memory>

#include "base/byte_stream.h"
#include "base/secret.h"
#include "psrdfile/psrd_checksum.h"
#include "psrdfile/psrd_header.h"

namespace dske {

enum class PsrdForm { json, binary };

/// The form for a block of this layout: JSON as long as it may be, so that the file can be looked at.
[[nodiscard]] PsrdForm usual_psrd_form(const PsrdLayout& layout);
/// ".json" or ".psrd".
[[nodiscard]] const char* psrd_file_extension(PsrdForm form);

/// Takes the block's bytes in their order. Not thread-safe.
class PsrdFileWriter final : public ByteSink {
 public:
  /// `out` must outlive the writer. ErrorKind::invalid if a block of this size cannot have this form.
  [[nodiscard]] static Result<std::unique_ptr<PsrdFileWriter>> begin(PsrdHeader header, PsrdForm form,
                                                                     ByteSink& out);

  [[nodiscard]] Result<void> write(ByteView bytes) override;
  /// ErrorKind::invalid unless all of the block's bytes were written. Finishes `out` too.
  [[nodiscard]] Result<void> finish() override;

 private:
  PsrdFileWriter(PsrdHeader header, PsrdForm form, ByteSink& out);

  const PsrdHeader header_;
  const PsrdForm form_;
  ByteSink& out_;
  PsrdChecksum checksum_;
  std::uint64_t written_ = 0;
  SecretBytes data_;  // of the JSON form
};

}  // namespace dske
