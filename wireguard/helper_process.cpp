#include <array>
#include <cerrno>
#include <csignal>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "wireguard/helper.h"

namespace dske::wireguard {
namespace {

constexpr int kSettledAnswers = 64;

std::unique_ptr<DeviceDriver> driver_of(const InterfaceConfig& interface) {
  return userspace_device(interface.uapi_socket);
}

// Until the adapter is gone.
void serve(const FileDescriptor& socket, const std::filesystem::path& config_file) {
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

Result<void> drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> none{};
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return io_error("cannot clear the ambient capabilities", errno);
  if (::syscall(SYS_capset, &header, none.data()) != 0) return io_error("cannot give up capabilities", errno);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return io_error("cannot rule out new privileges", errno);
  return {};
}

Result<void> become(const std::string& user) {
  if (user.empty())
    return invalid(
        "started as root: `user` must name whom to become, since this process talks to the network");
  const passwd* const entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return Error{ErrorKind::not_found, "there is no user " + user};
  if (entry->pw_uid == 0) return invalid("`user` must not be root");
  // So that it may lock its memory; where that is not granted, harden_process() says so.
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  (void)::setrlimit(RLIMIT_MEMLOCK, &unlimited);
  if (::setgroups(0, nullptr) != 0 || ::setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
      ::setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) {
    return io_error("cannot become the user " + user, errno);
  }
  return {};
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
    ::signal(SIGINT, SIG_IGN);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() == parent) serve(other, config_file);
    ::_exit(0);
  }
  return own;
}

Result<void> drop_privileges(const std::string& user) {
  if (::geteuid() == 0) {
    if (auto done = become(user); !done) return done;
  }
  return drop_capabilities();
}

}  // namespace dske::wireguard
