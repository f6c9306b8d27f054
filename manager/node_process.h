// The processes of nodes: starting them detached, knowing them again later, and ending them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/file.h"
#include "base/result.h"

namespace dske::manager {

/// A process that cannot be mistaken for a later one with the same pid: its start time (field 22 of
/// /proc/PID/stat, in clock ticks since boot) and the boot belong to it.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  std::string boot;

  bool operator==(const ProcessIdentity&) const = default;
};

/// The process with this pid, if there is one that has not ended (a zombie has).
[[nodiscard]] std::optional<ProcessIdentity> identify_process(pid_t pid);

/// A pid file holds one line: "PID START_TICKS BOOT_ID".
[[nodiscard]] Result<void> write_pid_file(const std::filesystem::path& file, const ProcessIdentity& process);
/// What the file says, whether or not that process still lives; nothing if there is no such file or it is
/// damaged.
[[nodiscard]] std::optional<ProcessIdentity> read_pid_file(const std::filesystem::path& file);

/// A living process held by a pidfd, so that signals can reach no other.
class ProcessHandle {
 public:
  /// Nothing if exactly this process does not live any more.
  [[nodiscard]] static std::optional<ProcessHandle> open(const ProcessIdentity& identity);

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] Result<void> signal(int number) const;
  /// Whether it ended within `timeout`.
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds timeout) const;

 private:
  ProcessHandle(pid_t pid, FileDescriptor fd) : pid_(pid), fd_(std::move(fd)) {}
  pid_t pid_;
  FileDescriptor fd_;
};

/// How a program is run: argument 0 is its path; both outputs are appended to `log_file`.
struct Command {
  std::vector<std::string> arguments;
  std::filesystem::path log_file;
};

/// Starts a process in a session of its own with nothing on standard input. It is this process's child:
/// reap() it.
[[nodiscard]] Result<pid_t> start_detached(const Command& command);

/// How a child ended ("exit status 1", "signal 9 (Killed)"), or nothing while it runs.
[[nodiscard]] std::optional<std::string> reap(pid_t child);

/// Runs a command to its end. The error says how it ended if that was not exit status 0.
[[nodiscard]] Result<void> run_to_end(const Command& command, std::chrono::milliseconds timeout);

/// The directory that holds this program, where the other programs are too.
[[nodiscard]] Result<std::filesystem::path> program_directory();

}  // namespace dske::manager
