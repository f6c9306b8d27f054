#include "base/process.h"

#include <csignal>
#include <fstream>
#include <string>

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

TEST_CASE("what start-up touched is given back and comes again when it is touched") {
  const auto resident_file_kib = [] {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
      if (line.starts_with("RssFile:")) return std::stol(line.substr(8));
    }
    return 0L;
  };
  const long before = resident_file_kib();
  dske::release_startup_memory();
  const long after = resident_file_kib();
  CHECK(before > 0);
  CHECK(after < before);
  const std::string text = std::to_string(before) + " is more than " + std::to_string(after);
  CHECK(text.find("more") != std::string::npos);
}
