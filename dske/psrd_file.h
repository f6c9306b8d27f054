// The file in which one PSRD block travels from a hub's operator to its client's (docs/protocol.md,
// section 1.2).
#pragma once

#include <string>
#include <string_view>

#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "dske/psrd_layout.h"

namespace dske {

struct PsrdFile {
  /// A file is refused above this size before it is read.
  static constexpr std::size_t kBytesMost = std::size_t{160} << 20;

  HubId hub_id;
  HubName hub_name;
  std::string endpoint;  ///< "http://HOST:PORT" or "https://HOST:PORT"
  ClientId client_id;
  ClientName client_name;
  BlockId block;
  PsrdLayout layout;
  SecretBytes data;  ///< both halves, layout.total() bytes

  /// The file's text.
  [[nodiscard]] SecretBytes write() const;
  /// Checks everything: form, sizes, checksum. The error says what is wrong.
  [[nodiscard]] static Result<PsrdFile> parse(std::string_view text);
};

/// Whether `url` is what an endpoint may be: http or https, a host, an optional port, nothing else.
[[nodiscard]] Result<void> check_endpoint(std::string_view url);

}  // namespace dske
