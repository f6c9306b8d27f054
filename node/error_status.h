// Which HTTP status tells an error, at the edge of the nodes' own interfaces (docs/protocol.md section 4,
// docs/management.md).
#pragma once

#include "base/result.h"

namespace dske::node {

[[nodiscard]] int http_status(ErrorKind kind);

}  // namespace dske::node
