#include "node/child_call.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

namespace dske::node {
namespace {

constexpr std::uint8_t kAnswered = 0;
constexpr std::uint8_t kFailed = 1;  // then the error's kind and its message

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

[[noreturn]] void run_child(int fd, pid_t parent, const std::function<Result<SecretBytes>()>& action) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  harden_command();  // a child inherits no locked memory
  const auto answer = action();
  SecretBytes text;
  text.push_back(answer ? kAnswered : kFailed);
  if (answer) {
    text.append(answer->view());
  } else {
    text.push_back(static_cast<std::uint8_t>(answer.error().kind));
    text.append(answer.error().message);
  }
  const bool written = write_all(fd, text.view());
  wipe(text.span());
  ::_exit(written ? 0 : 1);  // runs none of the foreign code's destructors
}

SecretBytes read_to_end(int fd) {
  SecretBytes text;
  std::array<std::uint8_t, 4096> piece{};
  for (;;) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(ByteView(piece).first(static_cast<std::size_t>(count)));
  }
  wipe(piece);
  return text;
}

Result<SecretBytes> take_apart(const SecretBytes& text) {
  if (!text.empty() && text.view()[0] == kAnswered) return SecretBytes::copy_of(text.view().subspan(1));
  if (text.size() < 2) return Error{ErrorKind::internal, "the process for it answered nothing"};
  return Error{static_cast<ErrorKind>(text.view()[1]), std::string(text.text().substr(2))};
}

}  // namespace

Result<SecretBytes> call_in_child(const std::function<Result<SecretBytes>()>& action) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return io_error("cannot make a pipe", errno);
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return io_error("cannot start a process", errno);
  if (child == 0) run_child(writing.get(), parent, action);
  writing.close();
  const SecretBytes text = read_to_end(reading.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    return Error{ErrorKind::internal,
                 "the process for it ended by signal " + std::to_string(WTERMSIG(status))};
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error{ErrorKind::internal, "the process for it failed"};
  }
  return take_apart(text);
}

}  // namespace dske::node
