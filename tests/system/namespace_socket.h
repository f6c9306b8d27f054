// Sockets in network namespaces, for programs that share no code with the product. Failures end the process:
// these are programs for tests.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dske::test {

/// An open file descriptor, closed on destruction.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  void close() {
    if (is_open()) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

constexpr int kReceiveBuffer = 16 << 20;

[[noreturn]] inline void die(const std::string& what) {
  std::cerr << what << ": " << std::strerror(errno) << "\n";
  std::exit(1);
}

/// Sockets that this thread makes from now on are in this namespace, and stay there.
inline void enter(const std::string& space) {
  const Descriptor file(::open(("/var/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open() || ::setns(file.get(), CLONE_NEWNET) != 0) die("cannot enter " + space);
}

inline sockaddr_in address_of(const std::string& text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) die(text + " is no address");
  return address;
}

inline const sockaddr* plain(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Of IPv4, never waits.
inline Descriptor make_socket(int type) {
  Descriptor socket(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) die("cannot make a socket");
  return socket;
}

/// With room for what comes while the machine is busy.
inline void bind_to(const Descriptor& socket, const sockaddr_in& address) {
  const int yes = 1;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  if (::bind(socket.get(), plain(address), sizeof address) != 0) die("cannot bind a socket");
}

/// For what can be read from it. The token comes with the events.
inline void watch(const Descriptor& epoll, const Descriptor& socket, std::uint64_t token) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = token;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) die("cannot watch a socket");
}

/// This process runs in time, however busy the tunnels keep the machine; where that is granted.
inline void run_first() {
  const sched_param first{1};
  (void)::sched_setscheduler(0, SCHED_RR, &first);
}

}  // namespace dske::test
