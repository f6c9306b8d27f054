#include "bench/supervised_run.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/result.h"
#include "bench/working_directory.h"

namespace dske::bench {
namespace {

constexpr int kKilledBySignal = 128;  // as shells tell it

// The status of `child` once it has ended; on SIGINT or SIGTERM what a shell would tell of it.
int wait_for(pid_t child, const sigset_t& signals) {
  while (true) {
    const int signal = ::sigwaitinfo(&signals, nullptr);
    if (signal < 0 && errno == EINTR) continue;
    if (signal != SIGCHLD) return kKilledBySignal + signal;
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) != child) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : kKilledBySignal + WTERMSIG(status);
  }
}

}  // namespace

int run_supervised(const std::filesystem::path& parent,
                   const std::function<int(const std::filesystem::path& directory)>& work) {
  const WorkingDirectory directory(parent);
  sigset_t signals{};
  sigset_t before{};
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, &before);
  // What is orphaned comes to this process, which waits for it to be gone before it removes its files.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t child = ::fork();
  if (child < 0) {
    std::perror("dske-bench: fork");
    return EXIT_FAILURE;
  }
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    const int status = work(directory.path());
    static_cast<void>(std::fflush(stdout));
    ::_exit(status);
  }
  ::setpgid(child, child);  // by whichever of the two comes first
  const int status = wait_for(child, signals);
  ::kill(-child, SIGKILL);
  while (::wait(nullptr) > 0 || errno == EINTR) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

}  // namespace dske::bench
