// Delays what one end of a tunnel and the other send each other, in the namespace of the first.
//
//     tunnel-relay OWN_UNDERLAY_ADDRESS PEER_UNDERLAY_ADDRESS ONE_WAY_MILLISECONDS
//
// The device here sends to 127.0.0.1:51821, the other one to OWN_UNDERLAY_ADDRESS:51821.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <vector>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/file.h"

namespace {

using Clock = std::chrono::steady_clock;
using dske::FileDescriptor;

constexpr std::uint16_t kPort = 51820;
constexpr std::uint16_t kRelayPort = 51821;
constexpr int kBuffer = 8 << 20;

sockaddr_in address_of(const char* text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, text, &address.sin_addr) != 1) {
    std::cerr << text << " is no address\n";
    std::exit(2);
  }
  return address;
}

const sockaddr* plain(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

FileDescriptor bound(const char* text) {
  FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_in address = address_of(text, kRelayPort);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
  if (::bind(socket.get(), plain(address), sizeof address) != 0) {
    std::cerr << "cannot bind to " << text << "\n";
    std::exit(1);
  }
  return socket;
}

// What came, and when it is to go on: the delay is the same for all, so the order is, too.
class Way {
 public:
  Way(const FileDescriptor& from, const FileDescriptor& to, sockaddr_in target)
      : from_(from), to_(to), target_(target) {}

  void take(Clock::duration delay) {
    std::array<std::uint8_t, 65536> packet;
    while (true) {
      const ssize_t got = ::recv(from_.get(), packet.data(), packet.size(), 0);
      if (got < 0) return;
      held_.push_back({Clock::now() + delay, {packet.data(), packet.data() + got}});
    }
  }

  // Sends what is due; what cannot be sent now is lost, as on any way. Returns when there is more to be sent.
  Clock::time_point pass_on(Clock::time_point otherwise) {
    while (!held_.empty() && held_.front().due <= Clock::now()) {
      const auto& bytes = held_.front().bytes;
      (void)::sendto(to_.get(), bytes.data(), bytes.size(), 0, plain(target_), sizeof target_);
      held_.pop_front();
    }
    return held_.empty() ? otherwise : held_.front().due;
  }

 private:
  struct Held {
    Clock::time_point due;
    std::vector<std::uint8_t> bytes;
  };
  const FileDescriptor& from_;
  const FileDescriptor& to_;
  const sockaddr_in target_;
  std::deque<Held> held_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: tunnel-relay OWN_UNDERLAY_ADDRESS PEER_UNDERLAY_ADDRESS ONE_WAY_MILLISECONDS\n";
    return 2;
  }
  const FileDescriptor inner = bound("127.0.0.1");
  const FileDescriptor outer = bound(argv[1]);
  const auto delay =
      std::chrono::microseconds(static_cast<std::int64_t>(std::strtod(argv[3], nullptr) * 1000));
  Way out(inner, outer, address_of(argv[2], kPort));
  Way in(outer, inner, address_of("127.0.0.1", kPort));
  std::array<pollfd, 2> sockets{{{inner.get(), POLLIN, 0}, {outer.get(), POLLIN, 0}}};
  while (true) {
    auto next = out.pass_on(Clock::now() + std::chrono::seconds(1));
    next = std::min(next, in.pass_on(next));
    const auto wait =
        std::max<std::chrono::nanoseconds>(next - Clock::now(), std::chrono::nanoseconds::zero());
    const timespec time{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
    if (::ppoll(sockets.data(), sockets.size(), &time, nullptr) < 0) return 1;
    if (sockets[0].revents != 0) out.take(delay);
    if (sockets[1].revents != 0) in.take(delay);
  }
}
