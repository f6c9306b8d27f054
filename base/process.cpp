#include "base/process.h"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <link.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

namespace dske {
namespace {

bool forbid_core_dumps() {
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0 && ::prctl(PR_SET_DUMPABLE, 0) == 0;
}

bool has_capability(unsigned capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  return ::syscall(SYS_capget, &header, data) == 0 &&
         (data[capability / 32].effective >> capability % 32 & 1U) != 0;
}

// Under a limit, memory that is asked for later would be refused once the limit is reached.
bool may_lock_without_limit() {
  if (has_capability(CAP_IPC_LOCK)) return true;
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_max != RLIM_INFINITY) return false;
  limit.rlim_cur = RLIM_INFINITY;
  return ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

// Pages are locked as they are touched, so that reserved but unused memory costs nothing.
bool lock_memory() {
  errno = EPERM;
  return may_lock_without_limit() && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

// What no process can have written to can be forgotten: its file has it. (What is read-only after relocation
// lies in writable segments.)
int release_read_only(dl_phdr_info* object, std::size_t /*size*/, void* page_bytes) {
  const std::uintptr_t mask = *static_cast<const std::uintptr_t*>(page_bytes) - 1;
  for (ElfW(Half) i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    const std::uintptr_t end = (begin + segment.p_filesz) & ~mask;
    const std::uintptr_t first = begin & ~mask;
    if (first >= end) continue;
    auto* const where = reinterpret_cast<void*>(first);            // NOLINT(performance-no-int-to-ptr)
    if (::madvise(where, end - first, MADV_DONTNEED_LOCKED) != 0)  // Linux 5.18
      ::madvise(where, end - first, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void release_startup_memory() {
  auto page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  ::dl_iterate_phdr(release_read_only, &page_bytes);
  ::malloc_trim(0);
}

void harden_process() {
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  if (!forbid_core_dumps()) {
    log::warning("core dumps could not be forbidden: {}", std::generic_category().message(errno));
  }
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0) {
      log::warning("the limit on open files could not be raised: {}", std::generic_category().message(errno));
    }
  }
  if (!lock_memory()) {
    log::warning(
        "memory is not locked against swapping: {}; lift the limit on locked memory (LimitMEMLOCK=infinity)",
        std::generic_category().message(errno));
  }
}

void harden_command() {
  static_cast<void>(forbid_core_dumps());
  static_cast<void>(lock_memory());
}

}  // namespace dske
