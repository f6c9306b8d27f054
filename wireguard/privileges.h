// What the adapter's two processes may do: the one that talks to the network nothing, its helper no more than
// WireGuard devices need.
#pragma once

#include <string>

#include <sys/types.h>

#include "base/result.h"

namespace dske::wireguard {

struct UserIds {
  uid_t user = 0;
  gid_t group = 0;
};
/// Of the user with this name; ErrorKind::not_found if there is none.
[[nodiscard]] Result<UserIds> ids_of(const std::string& user);

/// Whether this process may become `user`: always, unless it is root; then it must be one that is there, and
/// not root.
[[nodiscard]] Result<void> check_user(const std::string& user);

/// For the process that talks to the network: gives up root and every capability for good. Becomes `user`, if
/// this is root. Errors: those of check_user() and of the system.
[[nodiscard]] Result<void> drop_privileges(const std::string& user);

/// For the helper: gives up for good every capability but CAP_NET_ADMIN, for devices of the kernel, which it
/// keeps if it has it. It stays who it is: as root still the owner of root's files and sockets, and of no
/// others. Lifts the limit on locked memory before, if it may.
[[nodiscard]] Result<void> keep_device_privileges();

}  // namespace dske::wireguard
