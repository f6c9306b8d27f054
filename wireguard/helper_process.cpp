#include <array>
#include <cerrno>
#include <csignal>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "wireguard/helper.h"
#include "wireguard/privileges.h"

namespace dske::wireguard {
namespace {

constexpr int kSettledAnswers = 64;

std::unique_ptr<DeviceDriver> driver_of(const InterfaceConfig& interface) {
  switch (interface.kind) {
    case DeviceKind::userspace:
      return userspace_device(interface.uapi_socket);
    case DeviceKind::kernel:
      return kernel_device(interface.name);
    default:
      return first_device(userspace_device(interface.uapi_socket), kernel_device(interface.name));
  }
}

// Until the adapter is gone.
void serve(const FileDescriptor& socket, const std::filesystem::path& config_file) {
  if (auto kept = keep_device_privileges(); !kept) return log::error("helper: {}", kept.error().message);
  harden_process();
  Helper helper(config_file, driver_of);
  SecretBytes packet(kHelperRequestBytesMost);
  for (int answers = 1;; ++answers) {
    const ssize_t got = ::recv(socket.get(), packet.data(), packet.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    const Bytes answer = helper.answer(packet.view().first(static_cast<std::size_t>(got)));
    wipe(packet.span());
    if (::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    if (answers == kSettledAnswers) release_startup_memory();
  }
}

}  // namespace

Result<FileDescriptor> start_helper(const std::filesystem::path& config_file) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return io_error("cannot make a socket pair", errno);
  FileDescriptor own(ends[0]);
  FileDescriptor other(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return io_error("cannot start the helper", errno);
  if (child == 0) {
    own.close();
    // It ends with its socket, at the latest with its parent; not by what a terminal sends to both.
    (void)::signal(SIGINT, SIG_IGN);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() == parent) serve(other, config_file);
    ::_exit(0);
  }
  return own;
}

}  // namespace dske::wireguard
