#include "base/process.h"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"

namespace dske {

void harden_process() {
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0) {
    log::warning("core dumps could not be forbidden: {}", std::generic_category().message(errno));
  }
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0) {
      log::warning("the limit on open files could not be raised: {}", std::generic_category().message(errno));
    }
  }
  // Pages are locked as they are touched, so that reserved but unused memory costs nothing.
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    log::warning(
        "memory is not locked against swapping: {}; raise the limit for locked memory (LimitMEMLOCK)",
        std::generic_category().message(errno));
  }
}

}  // namespace dske
