#include "manager/node_process.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

// glibc 2.36's header does not say that these are C.
extern "C" {
#include <sys/pidfd.h>
}

extern char** environ;

namespace dske::manager {
namespace {

constexpr std::size_t kPidFileBytesMost = 256;
constexpr std::chrono::milliseconds kPollInterval{5};

// A file of /proc: it has no size, so read_file() does not fit.
std::string read_proc_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(4096, '\0');
  const ssize_t count = file.is_open() ? ::read(file.get(), text.data(), text.size()) : 0;
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

std::string ending_text(int status) {
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  const char* const name = ::sigdescr_np(number);
  return "signal " + std::to_string(number) + (name != nullptr ? " (" + std::string(name) + ")" : "");
}

// posix_spawn's settings, released when they go.
class SpawnSettings {
 public:
  explicit SpawnSettings(const Command& command) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, command.log_file.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                                POSIX_SPAWN_SETSIGDEF));
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

std::optional<ProcessIdentity> identify_process(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  const std::string stat = read_proc_file("/proc/" + std::to_string(pid) + "/stat");
  // The second field, the command in parentheses, may hold spaces and parentheses itself.
  const std::size_t command_end = stat.rfind(')');
  if (command_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(command_end + 1));
  std::string state;
  fields >> state;
  if (state == "Z" || state == "X") return std::nullopt;
  constexpr int kFieldsBetweenStateAndStartTime = 18;
  std::string skipped;
  for (int i = 0; i < kFieldsBetweenStateAndStartTime; ++i) fields >> skipped;
  ProcessIdentity identity{pid, 0, boot_id()};
  if (!(fields >> identity.start_ticks)) return std::nullopt;
  return identity;
}

Result<void> write_pid_file(const std::filesystem::path& file, const ProcessIdentity& process) {
  const std::string line =
      std::to_string(process.pid) + " " + std::to_string(process.start_ticks) + " " + process.boot + "\n";
  return write_file_atomically(file, as_bytes(line), 0600);
}

std::optional<ProcessIdentity> read_pid_file(const std::filesystem::path& file) {
  const auto text = read_file(file, kPidFileBytesMost);
  if (!text) return std::nullopt;
  std::istringstream fields{std::string(text->text())};
  ProcessIdentity identity;
  if (!(fields >> identity.pid >> identity.start_ticks >> identity.boot) || identity.pid <= 0)
    return std::nullopt;
  return identity;
}

std::optional<ProcessHandle> ProcessHandle::open(const ProcessIdentity& identity) {
  FileDescriptor fd(::pidfd_open(identity.pid, 0));
  // Only now is the pid pinned: what it names is either the right process or not.
  if (!fd.is_open() || identify_process(identity.pid) != identity) return std::nullopt;
  return ProcessHandle(identity.pid, std::move(fd));
}

Result<void> ProcessHandle::signal(int number) const {
  if (::pidfd_send_signal(fd_.get(), number, nullptr, 0) == 0 || errno == ESRCH) return {};
  return io_error("cannot send signal " + std::to_string(number) + " to process " + std::to_string(pid_),
                  errno);
}

bool ProcessHandle::wait_for_end(std::chrono::milliseconds timeout) const {
  const auto deadline = BootClock::now() + timeout;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - BootClock::now());
    pollfd entry{fd_.get(), POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return false;
  }
}

Result<pid_t> start_detached(const Command& command) {
  const SpawnSettings settings(command);
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int fault =
      ::posix_spawn(&pid, arguments[0], settings.actions(), settings.attributes(), arguments.data(), environ);
  if (fault != 0) return io_error("cannot start " + command.arguments[0], fault);
  return pid;
}

std::optional<std::string> reap(pid_t child) {
  int status = 0;
  const pid_t ended = ::waitpid(child, &status, WNOHANG);
  if (ended == child) return ending_text(status);
  if (ended < 0 && errno == ECHILD) return "an unknown status";
  return std::nullopt;
}

Result<void> run_to_end(const Command& command, std::chrono::milliseconds timeout) {
  auto child = start_detached(command);
  if (!child) return child.error();
  const std::string name = std::filesystem::path(command.arguments[0]).filename();
  const auto deadline = BootClock::now() + timeout;
  while (true) {
    if (const auto ending = reap(*child)) {
      if (*ending == "exit status 0") return {};
      return Error{ErrorKind::unavailable, name + " ended with " + *ending};
    }
    if (BootClock::now() >= deadline) {
      ::kill(*child, SIGKILL);
      ::waitpid(*child, nullptr, 0);
      return Error{ErrorKind::unavailable, name + " did not end in time and was killed"};
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

Result<std::filesystem::path> program_directory() {
  std::error_code fault;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", fault);
  if (fault) return io_error("cannot find this program's directory", fault.value());
  return self.parent_path();
}

}  // namespace dske::manager
