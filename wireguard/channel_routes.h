// What other adapters call (openapi/wireguard.yaml).
#pragma once

#include <vector>

#include "http/client.h"
#include "http/server.h"
#include "wireguard/adapter.h"

namespace dske::wireguard {

/// The routes hand everything over to the loop, where `adapter` lives; both must outlive the server.
[[nodiscard]] std::vector<http::Route> channel_routes(http::ClientLoop& loop, Adapter& adapter);

}  // namespace dske::wireguard
