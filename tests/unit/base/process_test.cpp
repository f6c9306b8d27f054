#include "base/process.h"

#include <csignal>

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

TEST_CASE(
    "a hardened process leaves no core dump, is not dumpable, survives a broken pipe and may open many "
    "files") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // hardening cannot be undone, so it happens in a process of its own
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = 16;
    ::setrlimit(RLIMIT_NOFILE, &files);
    dske::harden_process();
    rlimit raised{};
    ::getrlimit(RLIMIT_NOFILE, &raised);
    rlimit cores{1, 1};
    ::getrlimit(RLIMIT_CORE, &cores);
    const bool hardened = cores.rlim_cur == 0 && cores.rlim_max == 0 && raised.rlim_cur == files.rlim_max &&
                          ::prctl(PR_GET_DUMPABLE) == 0;
    ::raise(SIGPIPE);
    ::_exit(hardened ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
