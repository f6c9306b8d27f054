// What a daemon asks of the operating system before it touches a secret.
#pragma once

namespace dske {

/// Forbids core dumps and debugger attachment, and locks present and future memory against swapping where the
/// limits allow it (as root, or with LimitMEMLOCK in a systemd unit); where they do not, one warning is
/// logged. Ignores SIGPIPE. Raises the limit on open files to what the system allows this process: a server's
/// own limits are about connections. Call it once, before other threads start.
void harden_process();

}  // namespace dske
