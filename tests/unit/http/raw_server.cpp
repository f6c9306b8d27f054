#include "raw_server.h"

#include <array>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dske::http::test {
namespace {

// The length that the head of a request announces for its body.
std::size_t body_length(std::string_view head) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const std::size_t found = head.find(kName);
  return found == std::string_view::npos ? 0 : std::strtoul(head.data() + found + kName.size(), nullptr, 10);
}

}  // namespace

std::optional<std::string> RawConnection::read_request() {
  for (;;) {
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::size_t size = end + 4 + body_length(std::string_view(buffer_).substr(0, end + 4));
      if (buffer_.size() >= size) {
        std::string request = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return request;
      }
    }
    const std::string piece = read_some();
    if (piece.empty()) return std::nullopt;
    buffer_ += piece;
  }
}

std::string RawConnection::read_some() {
  std::array<char, 65536> piece;
  const ssize_t count = ::recv(fd_, piece.data(), piece.size(), 0);
  return {piece.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

bool RawConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool RawConnection::answer(int status, std::string_view body) {
  return write("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + std::string(body));
}

void RawConnection::reset_on_close() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

RawServer::RawServer(Serve serve) : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 256) != 0 ||
      ::getsockname(listener_.get(), generic, &size) != 0) {
    std::abort();
  }
  port_ = ::ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

void RawServer::accept_all() {
  for (;;) {
    FileDescriptor socket(::accept(listener_.get(), nullptr, nullptr));
    if (!socket.is_open()) return;
    const int one = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const int number = ++connections_;
    const MutexLock lock(mutex_);
    Open& open = open_.emplace_back(Open{std::move(socket), {}});
    open.thread = std::thread([this, &open, number, fd = open.socket.get()] {
      RawConnection connection(fd, number);
      serve_(connection);
      const MutexLock closing(mutex_);
      open.socket.close();
      ++closed_;
    });
  }
}

RawServer::~RawServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const MutexLock lock(mutex_);
    for (const Open& open : open_) {
      if (open.socket.is_open()) ::shutdown(open.socket.get(), SHUT_RDWR);
    }
  }
  for (Open& open : open_) open.thread.join();
}

}  // namespace dske::http::test
