// What a program asks of the operating system before it touches a secret.
#pragma once

namespace dske {

/// For a daemon: forbids core dumps and debugger attachment, and locks present and future memory against
/// swapping where it may lock without limit (as root, or with LimitMEMLOCK=infinity in a systemd unit: under
/// a lower limit memory would run out when it is reached); where it may not, one warning is logged. Ignores
/// SIGPIPE. Raises the limit on open files to what the system allows this process: a server's own limits are
/// about connections. Call it once, before other threads start.
void harden_process();

/// Gives back what start-up alone has touched: pages of code and constants, of this program and of the
/// libraries it is linked with (and what those are linked with), also where memory is locked; and free heap.
/// They come back, from the page cache, when they are touched again. Thread-safe; to be called once a daemon
/// has settled.
void release_startup_memory();

/// For an operator command, which is short: forbids core dumps and debugger attachment, locks memory where it
/// may, and says nothing where it may not.
void harden_command();

}  // namespace dske
