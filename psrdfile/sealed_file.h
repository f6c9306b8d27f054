// Files that are encrypted for their recipient (docs/protocol.md section 1.2): a head that holds the content
// key, sealed, then chunks under that key.
#pragma once

#include <memory>
#include <string_view>

#include "base/byte_stream.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "psrdfile/recipient.h"

namespace dske {

/// What such a file begins with; no other form of a PSRD file does.
inline constexpr std::string_view kSealedMagic = "DSKEsealed 1\n";

/// What is written to the answer goes to `inner` encrypted for `recipient`, who learns nothing of who wrote
/// it: with a certificate anybody can make such a file. Errors as seal_content_key(), or of `inner`.
[[nodiscard]] Result<std::unique_ptr<ByteSink>> seal_for(const Recipient& recipient,
                                                         std::unique_ptr<ByteSink> inner,
                                                         Randomness& randomness);

/// The contents of such a file. ErrorKind::corrupt if its head is damaged, else errors as open_content_key(),
/// or of `inner`.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_sealed(const RecipientIdentity& identity,
                                                              std::unique_ptr<ByteSource> inner);

}  // namespace dske
