#include "bench/attackers.h"

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

constexpr auto kPauseAfterRefusal = std::chrono::milliseconds(100);
/// A connection that ends younger than this was refused.
constexpr auto kRefusedWithin = std::chrono::milliseconds(500);
constexpr std::size_t kOtherDescriptors = 256;

/// A TLS record's header, a ClientHello's header that announces 508 bytes, and the first of these: version
/// and random.
std::array<unsigned char, 43> half_client_hello() {
  std::array<unsigned char, 43> bytes{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03};
  for (std::size_t i = 11; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i);
  return bytes;
}

sockaddr_in address_of(const std::string& text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  return address;
}

}  // namespace

struct Attackers::Connection {
  FileDescriptor socket;
  in_addr_t from = 0;  // in host order; 0: whichever
  bool says_half = false;
  bool standing = false;
  steady_clock::time_point opened;
  steady_clock::time_point open_at;  // when it is to be opened again
};

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

Attackers::Attackers(AttackSettings settings, FileDescriptor poller)
    : settings_(std::move(settings)), poller_(std::move(poller)), thread_([this] { run(); }) {}

Attackers::~Attackers() {
  stop_ = true;
  thread_.join();
}

Result<std::unique_ptr<Attackers>> Attackers::start(const AttackSettings& settings) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, settings.address.c_str(), &parsed) != 1)
    return Error{ErrorKind::invalid, "the KME's address must be an IPv4 address, not " + settings.address};
  const std::size_t needed = std::size_t{settings.silent} + settings.half + kOtherDescriptors;
  if (const std::size_t most = raise_descriptor_limit(); most < needed) {
    return Error{ErrorKind::exhausted, "the attack needs " + std::to_string(needed) + " open files, only " +
                                           std::to_string(most) + " are allowed (ulimit -n)"};
  }
  FileDescriptor poller(::epoll_create1(EPOLL_CLOEXEC));
  if (!poller.is_open()) return io_error("epoll", errno);
  return std::unique_ptr<Attackers>(new Attackers(settings, std::move(poller)));
}

void Attackers::run() {
  std::vector<Connection> connections(std::size_t{settings_.silent} + settings_.half);
  for (std::size_t i = 0; i < connections.size(); ++i) {
    connections[i].says_half = i >= settings_.silent;
    if (settings_.addresses > 0)
      connections[i].from = INADDR_LOOPBACK + 1 + static_cast<in_addr_t>(i % settings_.addresses);
  }
  std::array<epoll_event, 128> events{};
  while (!stop_) {
    const auto now = steady_clock::now();
    for (Connection& connection : connections) {
      if (!connection.socket.is_open() && connection.open_at <= now) open(connection);
    }
    const int ready = ::epoll_wait(poller_.get(), events.data(), static_cast<int>(events.size()), 20);
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      Connection& connection = *static_cast<Connection*>(event.data.ptr);
      std::array<char, 4096> answer{};
      const bool connected = (event.events & (EPOLLERR | EPOLLHUP)) == 0;
      if (connected && !connection.standing) {
        connection.standing = true;
        ++standing_;
        static const auto half = half_client_hello();
        if (connection.says_half) ::send(connection.socket.get(), half.data(), half.size(), MSG_NOSIGNAL);
      }
      if (connected && (event.events & EPOLLIN) == 0) continue;
      if (connected && ::recv(connection.socket.get(), answer.data(), answer.size(), MSG_DONTWAIT) != 0)
        continue;
      close(connection);
    }
  }
}

void Attackers::open(Connection& connection) {
  connection.opened = steady_clock::now();
  connection.open_at = connection.opened + kPauseAfterRefusal;
  connection.socket = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!connection.socket.is_open()) return;
  const int fd = connection.socket.get();
  if (connection.from != 0) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(connection.from);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
      return connection.socket.close();
  }
  const sockaddr_in to = address_of(settings_.address, settings_.port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
    connection.socket.close();
    return;
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.ptr = &connection;
  if (::epoll_ctl(poller_.get(), EPOLL_CTL_ADD, fd, &event) != 0) connection.socket.close();
}

void Attackers::close(Connection& connection) {
  connection.socket.close();
  if (connection.standing) {
    --standing_;
    ++ended_;
  }
  connection.standing = false;
  const auto now = steady_clock::now();
  connection.open_at = now - connection.opened < kRefusedWithin ? now + kPauseAfterRefusal : now;
}

}  // namespace dske::bench
