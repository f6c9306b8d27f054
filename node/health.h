// /healthz and /readyz.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/server.h"

namespace dske::node {

/// Why a node cannot do its work now; empty if it can. Called on HTTP workers: thread-safe and without
/// waiting.
using Readiness = std::function<std::string()>;

[[nodiscard]] std::vector<http::Route> health_routes(const Readiness& readiness);

}  // namespace dske::node
