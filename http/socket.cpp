#include "http/socket.h"

#include <cerrno>

#include <sys/ioctl.h>
#include <sys/socket.h>

namespace dske::http {

ReadOutcome Socket::read(MutableByteView into) {
  return receive(into, 0);
}

ReadOutcome Socket::peek(MutableByteView into) {
  return receive(into, MSG_PEEK);
}

std::size_t Socket::readable_bytes() const {
  int bytes = 0;
  return ::ioctl(fd_, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

ReadOutcome Socket::receive(MutableByteView into, int flags) {
  using Kind = ReadOutcome::Kind;
  if (broken_) return {Kind::broken, 0};
  ssize_t got = 0;
  do {
    got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT | flags);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return {Kind::bytes, static_cast<std::size_t>(got)};
  if (got == 0) return {Kind::end, 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {Kind::nothing_yet, 0};
  broken_ = true;
  return {Kind::broken, 0};
}

void Socket::write(ByteView bytes) {
  if (!pending()) bytes = bytes.subspan(send_now(bytes));
  if (bytes.empty() || broken_) return;
  if (bytes.size() > most_pending_ - (pending_.size() - offset_)) {
    broken_ = true;
    return;
  }
  pending_.append(bytes);
}

void Socket::flush() {
  if (!pending()) return;
  offset_ += send_now(pending_.view().subspan(offset_));
  if (!pending()) {
    pending_ = SecretBytes();
    offset_ = 0;
  }
}

void Socket::shut_down_writing() {
  ::shutdown(fd_, SHUT_WR);
}

std::size_t Socket::send_now(ByteView bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size() && !broken_) {
    const ssize_t count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      broken_ = true;
    }
  }
  written_ += sent;
  return sent;
}

}  // namespace dske::http
