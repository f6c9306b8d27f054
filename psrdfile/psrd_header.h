// What a PSRD file says of its block (docs/protocol.md, section 1.2).
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/names.h"
#include "base/result.h"
#include "dske/psrd_layout.h"

namespace dske {

struct PsrdHeader {
  HubId hub_id;
  HubName hub_name;
  std::string endpoint;  ///< "http://HOST:PORT" or "https://HOST:PORT"
  ClientId client_id;
  ClientName client_name;
  BlockId block;
  PsrdLayout layout;

  /// Writes its members into an object that has begun.
  void write(json::Writer& writer) const;
  /// Reads and checks them. Faults of nested objects are answered, others are recorded in `reader`.
  [[nodiscard]] static Result<PsrdHeader> read(json::ObjectReader& reader);

  bool operator==(const PsrdHeader&) const = default;
};

/// Whether `url` is what an endpoint may be: http or https, a host, an optional port, nothing else.
[[nodiscard]] Result<void> check_endpoint(std::string_view url);

}  // namespace dske
