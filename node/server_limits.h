// What strangers may take of a node's server, from its configuration (docs/http.md).
#pragma once

#include "base/yaml.h"
#include "http/server.h"

namespace dske::node {

/// Reads the optional member `server`; what it does not say has its default. Faults are recorded in `reader`.
[[nodiscard]] http::ServerLimits read_server_limits(yaml::MappingReader& reader);

}  // namespace dske::node
