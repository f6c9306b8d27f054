#include "wireguard/status_socket.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace dske::wireguard {
namespace {

constexpr std::size_t kReportBytesMost = std::size_t{4} << 20;
constexpr int kPollMilliseconds = 200;
constexpr timeval kTimeout{5, 0};
constexpr timeval kReportTimeout{35, 0};  // longer than the adapter takes at most to make one

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    return invalid(path.string() + " is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
  return address;
}

void set_timeout(const FileDescriptor& socket, const timeval& timeout) {
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
}

}  // namespace

Result<std::unique_ptr<StatusSocket>> StatusSocket::listen(const std::filesystem::path& path,
                                                           std::function<SecretBytes()> report) {
  const auto address = address_of(path);
  if (!address) return address.error();
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return io_error("cannot make a socket", errno);
  ::unlink(path.c_str());  // of a process before: the caller holds the directory's lock
  const mode_t before = ::umask(0177);
  const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int cause = errno;
  ::umask(before);
  if (bound != 0) return io_error("cannot make " + path.string(), cause);
  if (::listen(socket.get(), 8) != 0) return io_error("cannot listen on " + path.string(), errno);
  return std::unique_ptr<StatusSocket>(new StatusSocket(std::move(socket), std::move(report)));
}

StatusSocket::StatusSocket(FileDescriptor socket, std::function<SecretBytes()> report)
    : socket_(std::move(socket)), report_(std::move(report)), thread_([this] { serve(); }) {}

StatusSocket::~StatusSocket() {
  stopping_ = true;
  thread_.join();
}

void StatusSocket::serve() {
  while (!stopping_) {
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, kPollMilliseconds) <= 0) continue;
    const FileDescriptor guest(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!guest.is_open()) continue;
    set_timeout(guest, kTimeout);
    const SecretBytes report = report_();
    ByteView left = report.view();
    while (!left.empty()) {
      const ssize_t sent = ::send(guest.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      left = left.subspan(static_cast<std::size_t>(sent));
    }
  }
}

Result<SecretBytes> read_status(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  set_timeout(socket, kReportTimeout);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    Error error = io_error("no adapter answers at " + path.string(), errno);
    error.kind = ErrorKind::unavailable;
    error.message += "; does it run?";
    return error;
  }
  SecretBytes report;
  SecretBytes piece(std::size_t{64} << 10);
  while (report.size() < kReportBytesMost) {
    const ssize_t got = ::recv(socket.get(), piece.data(), piece.size(), 0);
    if (got < 0) return io_error("no report from dske-wireguard", errno);
    if (got == 0) break;
    report.append(piece.view().first(static_cast<std::size_t>(got)));
  }
  return report;
}

}  // namespace dske::wireguard
