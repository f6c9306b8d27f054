#include "bench/program_run.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/file.h"

extern char** environ;  // NOLINT(*-redundant-declaration): POSIX leaves it to the program

namespace dske::bench {

Result<ProgramRun> run_program(const std::string& program, const std::vector<std::string>& arguments) {
  std::error_code fault;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", fault);
  if (fault) return io_error("cannot find the programs", fault.value());
  std::vector<std::string> words{(self.parent_path() / program).string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const auto begun = std::chrono::steady_clock::now();
  const int failure = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return io_error("cannot run " + words[0], failure);
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0) {
    if (errno != EINTR) return io_error("cannot wait for " + words[0], errno);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error{ErrorKind::internal, program + " " + arguments.front() + " failed"};
  }
  return ProgramRun{took.count(), std::int64_t{usage.ru_maxrss} * 1024};
}

}  // namespace dske::bench
