#include "bench/running_program.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include <sys/wait.h>

#include "bench/program_run.h"

namespace dske::bench {

Result<RunningProgram> RunningProgram::start(const std::string& program,
                                             const std::vector<std::string>& arguments) {
  const auto child = start_program(program, arguments);
  if (!child) return child.error();
  return RunningProgram(*child);
}

RunningProgram::RunningProgram(RunningProgram&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

RunningProgram::~RunningProgram() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

double RunningProgram::cpu_seconds() const {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace dske::bench
