// The body of POST key-share and of the answer to GET key-share (docs/protocol.md, sections 4.3 and 4.5): a
// head in JSON, behind its length, and then the share as it is.
#pragma once

#include <chrono>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "dske/allocation.h"
#include "dske/bundle_context.h"
#include "dske/secret_tag.h"

namespace dske {

/// What the share is.
enum class ShareSource {
  message,  ///< it travels, encrypted
  psrd,     ///< the allocation's bytes are the share: nothing of it travels
};

struct KeyShareMessage {
  static constexpr std::string_view kContentType = "application/vnd.dske.key-share";
  static constexpr std::chrono::seconds kLifetimeMost{std::chrono::hours(24 * 366)};

  BundleContext context;
  ShareSource source = ShareSource::message;
  SecretBytes encrypted_share;  ///< the share XORed with the allocation's bytes; empty if the source is PSRD
  Allocation allocation;        ///< as many bytes as the share, from the sender's pad zone
  SecretTag secret_tag{};
  std::chrono::seconds lifetime{0};  ///< what remains of it

  /// The share, from the bytes of the allocation; leaves `encrypted_share` empty. REQUIRES: as many bytes as
  /// the share has.
  [[nodiscard]] SecretBytes take_share(SecretBytes pad);

  [[nodiscard]] SecretBytes write() const;
  /// Checks form and sizes; that the allocation may be used is the pool's business. `body` is binary.
  [[nodiscard]] static Result<KeyShareMessage> parse(std::string_view body);
};

}  // namespace dske
