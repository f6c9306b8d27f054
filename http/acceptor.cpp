#include "http/acceptor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/peer_address.h"

namespace dske::http {
namespace {

constexpr int kBacklog = 1024;
/// How long to leave waiting clients alone when the system is out of memory, or of descriptors without a
/// reserve.
constexpr int kPauseMilliseconds = 100;
constexpr int kSecondMilliseconds = 1000;
constexpr int kAcceptedAtOnce = 64;

FileDescriptor open_reserve() {
  return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void set_option(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

bool has_fewer(const std::shared_ptr<Inbox>& one, const std::shared_ptr<Inbox>& other) {
  return one->connections.load(std::memory_order_relaxed) <
         other->connections.load(std::memory_order_relaxed);
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

Acceptor::Acceptor(std::string server_name, FileDescriptor listener, FileDescriptor stop_event,
                   std::uint16_t port)
    : server_name_(std::move(server_name)),
      listener_(std::move(listener)),
      stop_event_(std::move(stop_event)),
      reserve_(open_reserve()),
      port_(port) {}

Result<std::unique_ptr<Acceptor>> Acceptor::listen(const std::string& server_name, const std::string& address,
                                                   std::uint16_t port) {
  const std::string doing = "cannot listen on " + address + " port " + std::to_string(port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0) return Error{ErrorKind::invalid, doing + ": " + ::gai_strerror(failure)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);

  FileDescriptor listener(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.is_open()) return io_error(doing, errno);
  set_option(listener.get(), SOL_SOCKET, SO_REUSEADDR);
  if (::bind(listener.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(listener.get(), kBacklog) != 0) {
    return io_error(doing, errno);
  }
  FileDescriptor stop_event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!stop_event.is_open()) return io_error(doing, errno);
  const std::uint16_t bound = bound_port(listener.get());
  return std::unique_ptr<Acceptor>(
      new Acceptor(server_name, std::move(listener), std::move(stop_event), bound));
}

void Acceptor::start(AddressLimits& limits, std::vector<std::shared_ptr<Inbox>> workers,
                     std::function<void()> every_second) {
  workers_ = std::move(workers);
  thread_ =
      std::thread([this, &limits, every_second = std::move(every_second)] { run(limits, every_second); });
  ::pthread_setname_np(thread_.native_handle(), "http-accept");
}

void Acceptor::stop() {
  ::eventfd_write(stop_event_.get(), 1);
  if (thread_.joinable()) thread_.join();
  listener_.close();
}

void Acceptor::run(AddressLimits& limits, const std::function<void()>& every_second) {
  std::array<pollfd, 2> polled{{{stop_event_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}}};
  auto second = std::chrono::steady_clock::now();
  while (true) {
    // While it pauses, it waits for the end alone.
    const int ready =
        ::poll(polled.data(), must_pause_ ? 1 : 2, must_pause_ ? kPauseMilliseconds : kSecondMilliseconds);
    if (ready > 0 && (polled[0].revents & POLLIN) != 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - second >= std::chrono::seconds(1)) {
      second = now;
      // Nothing may leave the thread: it would end the process.
      try {
        every_second();
      } catch (const std::exception& error) {
        log::error("{}: what is done every second failed: {}", server_name_, error.what());
      }
    }
    must_pause_ = false;
    // However many come, the end and the next second are noticed.
    for (int i = 0; i < kAcceptedAtOnce && accept_one(limits); ++i) {
    }
  }
}

bool Acceptor::accept_one(AddressLimits& limits) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  FileDescriptor socket(
      ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.is_open()) {
    switch (errno) {
      case EAGAIN:
        return false;
      case EMFILE:
      case ENFILE:
        return turn_one_away();
      case ENOBUFS:
      case ENOMEM:
        must_pause_ = true;
        return false;
      default:
        return true;  // this client went away before it was accepted; the next may be there
    }
  }
  auto place = limits.take(limited_address(address));
  if (!place) {
    if (const auto swallowed = log_budget_.spend(std::chrono::steady_clock::now())) {
      log::warning("{}: a connection was closed: there are too many, in all or from its address",
                   server_name_);
    }
    return true;
  }
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY);
  hand_over({std::move(socket), address, std::move(*place)});
  if (limits.is_crowded()) make_room();
  return true;
}

bool Acceptor::turn_one_away() {
  const bool had_reserve = reserve_.is_open();
  reserve_.close();
  // accept4 fails for want of a descriptor also when nobody waits, so only this tells whether somebody did.
  const bool somebody_waited =
      FileDescriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)).is_open();
  reserve_ = open_reserve();
  must_pause_ = !had_reserve || !reserve_.is_open();
  if (somebody_waited) {
    if (const auto swallowed = log_budget_.spend(std::chrono::steady_clock::now())) {
      log::error("{}: the limit on open files is reached; connections are turned away", server_name_);
    }
  }
  return somebody_waited && !must_pause_;
}

void Acceptor::hand_over(Inbox::NewConnection arrival) {
  const auto least_loaded = std::min_element(workers_.begin(), workers_.end(), has_fewer);
  ++(*least_loaded)->connections;
  Inbox::Item item(std::move(arrival));
  if (!(*least_loaded)->post(item)) --(*least_loaded)->connections;
}

void Acceptor::make_room() {
  (*std::max_element(workers_.begin(), workers_.end(), has_fewer))->want_room();
}

}  // namespace dske::http
