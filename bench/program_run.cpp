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

namespace {

// Starts a program with both outputs, or standard output alone, at `output`.
enum class Outputs { both, standard_alone };

Result<pid_t> spawn(const std::string& program, const std::vector<std::string>& arguments,
                    const std::string& output, Outputs outputs) {
  std::error_code fault;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", fault);
  if (fault) return io_error("cannot find the programs", fault.value());
  std::vector<std::string> words{(self.parent_path() / program).string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  constexpr mode_t kForOwner = 0600;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, kForOwner);
  if (outputs == Outputs::both) ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int failure = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return io_error("cannot run " + words[0], failure);
  return child;
}

}  // namespace

Result<pid_t> start_program(const std::string& program, const std::vector<std::string>& arguments) {
  return spawn(program, arguments, "/dev/null", Outputs::standard_alone);
}

Result<pid_t> start_program(const std::string& program, const std::vector<std::string>& arguments,
                            const std::filesystem::path& log_file) {
  return spawn(program, arguments, log_file.string(), Outputs::both);
}

Result<ProgramRun> run_program(const std::string& program, const std::vector<std::string>& arguments) {
  const auto begun = std::chrono::steady_clock::now();
  const auto child = start_program(program, arguments);
  if (!child) return child.error();
  int status = 0;
  rusage usage{};
  while (::wait4(*child, &status, 0, &usage) < 0) {
    if (errno != EINTR) return io_error("cannot wait for " + program, errno);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error{ErrorKind::internal, program + " " + arguments.front() + " failed"};
  }
  return ProgramRun{took.count(), std::int64_t{usage.ru_maxrss} * 1024};
}

}  // namespace dske::bench
