// Who listens on a TCP port of this host.
#pragma once

#include <cstdint>
#include <string>

namespace dske::manager {

/// "process 4711 (nginx)", or "another process" where the system does not tell (it belongs to another user).
[[nodiscard]] std::string port_holder(std::uint16_t port);

}  // namespace dske::manager
