#include "manager/node_process.h"

#include <csignal>
#include <string>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/temporary_directory.h"
#include "manager/log_tail.h"

using namespace dske;
using namespace dske::manager;

namespace {

// A child that waits until it is killed.
class Sleeper {
 public:
  explicit Sleeper(const std::filesystem::path& log) {
    auto child = start_detached({{"/bin/sleep", "600"}, log});
    REQUIRE(child.has_value());
    pid_ = *child;
  }
  ~Sleeper() {
    if (reap(pid_)) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

}  // namespace

TEST_CASE("a process is identified by pid, start time and boot") {
  const auto self = identify_process(::getpid());
  REQUIRE(self.has_value());
  CHECK(self->pid == ::getpid());
  CHECK(self->start_ticks > 0);
  CHECK(self->boot == boot_id());
  CHECK(identify_process(::getpid()) == self);
  CHECK_FALSE(identify_process(0).has_value());
  CHECK_FALSE(identify_process(-1).has_value());
}

TEST_CASE("a pid file brings back the process that was written, and a damaged one nothing") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "hub-hank";
  CHECK_FALSE(read_pid_file(file).has_value());
  const ProcessIdentity identity{4711, 123456789, "boot-1"};
  REQUIRE(write_pid_file(file, identity).has_value());
  CHECK(read_pid_file(file) == identity);
  for (const char* text : {"", "x", "12", "12 34", "-5 34 boot", "0 34 boot"}) {
    CAPTURE(text);
    REQUIRE(write_file_atomically(file, as_bytes(text), 0600).has_value());
    CHECK_FALSE(read_pid_file(file).has_value());
  }
}

TEST_CASE("a handle is given only for exactly the process that was recorded") {
  const test::TemporaryDirectory directory;
  const Sleeper sleeper(directory.path() / "log");
  const auto identity = identify_process(sleeper.pid());
  REQUIRE(identity.has_value());
  CHECK(ProcessHandle::open(*identity).has_value());

  ProcessIdentity earlier = *identity;
  --earlier.start_ticks;
  CHECK_MESSAGE(!ProcessHandle::open(earlier).has_value(), "the pid was reused");
  ProcessIdentity other_boot = *identity;
  other_boot.boot = "another";
  CHECK_FALSE(ProcessHandle::open(other_boot).has_value());
}

TEST_CASE("a process is signalled and waited for through its handle, and a zombie counts as ended") {
  const test::TemporaryDirectory directory;
  const Sleeper sleeper(directory.path() / "log");
  const auto identity = identify_process(sleeper.pid());
  REQUIRE(identity.has_value());
  const auto handle = ProcessHandle::open(*identity);
  REQUIRE(handle.has_value());
  CHECK_FALSE(handle->wait_for_end(std::chrono::milliseconds(20)));
  REQUIRE(handle->signal(SIGTERM).has_value());
  CHECK(handle->wait_for_end(std::chrono::seconds(10)));
  CHECK_FALSE_MESSAGE(identify_process(sleeper.pid()).has_value(), "it has ended, though it is not reaped");
  CHECK_FALSE(ProcessHandle::open(*identity).has_value());
  CHECK(reap(sleeper.pid()) == "signal 15 (Terminated)");
}

TEST_CASE("a daemon is detached: a session of its own, no standard input, both outputs in its log") {
  const test::TemporaryDirectory directory;
  const auto log = directory.path() / "log";
  const std::string script =
      "echo one; echo two >&2; read x || echo no input; test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo own "
      "session";
  REQUIRE(run_to_end({{"/bin/sh", "-c", script}, log}, std::chrono::seconds(10)).has_value());
  CHECK(log_tail(log, 0, 10) == "    one\n    two\n    no input\n    own session\n");
  const auto size = log_size(log);
  REQUIRE(run_to_end({{"/bin/sh", "-c", "echo again"}, log}, std::chrono::seconds(10)).has_value());
  CHECK_MESSAGE(log_tail(log, size, 10) == "    again\n", "the log is appended to");
  CHECK(log_tail(log, 0, 1) == "    again\n");
  CHECK(log_tail(directory.path() / "none", 0, 5).empty());
}

TEST_CASE("a command that fails, hangs or is not there is an error that says so") {
  const test::TemporaryDirectory directory;
  const auto log = directory.path() / "log";
  const auto failed = run_to_end({{"/bin/sh", "-c", "exit 3"}, log}, std::chrono::seconds(10));
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message == "sh ended with exit status 3");
  const auto hung = run_to_end({{"/bin/sleep", "600"}, log}, std::chrono::milliseconds(50));
  REQUIRE_FALSE(hung.has_value());
  CHECK(hung.error().message == "sleep did not end in time and was killed");
  const auto none = run_to_end({{"/nonexistent/dske-hub"}, log}, std::chrono::seconds(10));
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message.find("/nonexistent/dske-hub") != std::string::npos);
}
