#include "wireguard/privileges.h"

#include <array>
#include <cerrno>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

namespace dske::wireguard {
namespace {

using Capabilities = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
constexpr std::size_t kEntryBytesMost = 16384;
constexpr std::uint32_t kNetAdmin = 1U << CAP_NET_ADMIN;  // in the first of the two

Result<Capabilities> capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Capabilities all{};
  if (::syscall(SYS_capget, &header, all.data()) != 0) return io_error("cannot see the capabilities", errno);
  return all;
}

// None is inherited, and none comes back.
Result<void> keep_capabilities(std::uint32_t kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Capabilities all{};
  all[0].permitted = all[0].effective = kept;
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return io_error("cannot clear the ambient capabilities", errno);
  if (::syscall(SYS_capset, &header, all.data()) != 0) return io_error("cannot give up capabilities", errno);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return io_error("cannot rule out new privileges", errno);
  return {};
}

// So that memory may be locked; where that is not granted, harden_process() says so.
void lift_memory_lock_limit() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  (void)::setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

Result<void> become(const std::string& user) {
  if (auto good = check_user(user); !good) return good;
  const auto ids = ids_of(user);
  if (!ids) return ids.error();
  lift_memory_lock_limit();
  if (::setgroups(0, nullptr) != 0 || ::setresgid(ids->group, ids->group, ids->group) != 0 ||
      ::setresuid(ids->user, ids->user, ids->user) != 0) {
    return io_error("cannot become the user " + user, errno);
  }
  return {};
}

}  // namespace

Result<UserIds> ids_of(const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, kEntryBytesMost> texts{};
  const int cause = ::getpwnam_r(user.c_str(), &entry, texts.data(), texts.size(), &found);
  if (found != nullptr) return UserIds{entry.pw_uid, entry.pw_gid};
  if (cause != 0 && cause != ENOENT) return io_error("cannot look for the user " + user, cause);
  return Error{ErrorKind::not_found,
               "there is no user " + user + " (systemd-sysusers makes those of an installation)"};
}

Result<void> check_user(const std::string& user) {
  if (::geteuid() != 0) return {};
  if (user.empty())
    return invalid("must name whom to become when started as root, since this process talks to the network");
  const auto ids = ids_of(user);
  if (!ids) return ids.error();
  if (ids->user == 0) return invalid("must not be root");
  return {};
}

Result<void> drop_privileges(const std::string& user) {
  if (::geteuid() == 0) {
    if (auto done = become(user); !done) return done;
  }
  return keep_capabilities(0);
}

Result<void> keep_device_privileges() {
  lift_memory_lock_limit();
  const auto now = capabilities();
  if (!now) return now.error();
  return keep_capabilities((*now)[0].permitted & kNetAdmin);
}

}  // namespace dske::wireguard
