// Delays what the ends of tunnels send each other. One process for all tunnels; needs root, to make sockets
// in their namespaces.
//
//     tunnel-relay < TUNNELS
//
// TUNNELS has one line for each: NAMESPACE OWN_UNDERLAY_ADDRESS PEER_UNDERLAY_ADDRESS ONE_WAY_MILLISECONDS.
// The device in the namespace sends to 127.0.0.1:51821, the other one to OWN_UNDERLAY_ADDRESS:51821. Prints
// "ready".
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "namespace_socket.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace dske::test;

constexpr std::uint16_t kPort = 51820;
constexpr std::uint16_t kRelayPort = 51821;
constexpr std::chrono::milliseconds kTick{5};

// What came, and when it is to go on: the delay is the same for all, so the order is, too.
class Way {
 public:
  Way(Descriptor& from, Descriptor& to, sockaddr_in target, Clock::duration delay)
      : from_(from), to_(to), target_(target), delay_(delay) {}

  void take(Clock::time_point now) {
    static std::array<std::uint8_t, 65536> packet;
    while (true) {
      const ssize_t got = ::recv(from_.get(), packet.data(), packet.size(), 0);
      if (got < 0) return;
      held_.push_back({now + delay_, {packet.data(), packet.data() + got}});
    }
  }

  // Sends what is due; what cannot be sent now is lost, as on any way. Returns whether more is held.
  bool pass_on(Clock::time_point now) {
    for (; !held_.empty() && held_.front().due <= now; held_.pop_front()) {
      const auto& bytes = held_.front().bytes;
      (void)::sendto(to_.get(), bytes.data(), bytes.size(), 0, plain(target_), sizeof target_);
    }
    return !held_.empty();
  }

 private:
  struct Held {
    Clock::time_point due;
    std::vector<std::uint8_t> bytes;
  };
  Descriptor& from_;
  Descriptor& to_;
  const sockaddr_in target_;
  const Clock::duration delay_;
  std::deque<Held> held_;
};

Descriptor bound(const std::string& address) {
  Descriptor socket = make_socket(SOCK_DGRAM);
  bind_to(socket, address_of(address, kRelayPort));
  return socket;
}

struct Relay {
  Relay(const std::string& space, const std::string& own, const std::string& peer, double milliseconds) {
    // A part of a tick has gone by when it is taken.
    const auto delay = std::chrono::microseconds(static_cast<std::int64_t>(milliseconds * 1000)) - kTick;
    enter(space);
    inner = bound("127.0.0.1");
    outer = bound(own);
    out = std::make_unique<Way>(inner, outer, address_of(peer, kPort), delay);
    in = std::make_unique<Way>(outer, inner, address_of("127.0.0.1", kPort), delay);
  }
  Descriptor inner, outer;
  std::unique_ptr<Way> out, in;
};

Clock::time_point next_tick() {
  const auto since = Clock::now().time_since_epoch();
  return Clock::time_point(since - since % kTick + kTick);
}

}  // namespace

int main() {
  std::vector<std::unique_ptr<Relay>> relays;
  std::string space, own, peer;
  double milliseconds = 0;
  while (std::cin >> space >> own >> peer >> milliseconds)
    relays.push_back(std::make_unique<Relay>(space, own, peer, milliseconds));
  run_first();
  const Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (std::size_t i = 0; i < relays.size(); ++i) {
    watch(epoll, relays[i]->inner, 2 * i);
    watch(epoll, relays[i]->outer, 2 * i + 1);
  }
  std::cout << "ready" << std::endl;
  bool held = false;
  while (true) {
    if (held) std::this_thread::sleep_until(next_tick());
    std::array<epoll_event, 256> events;
    const int count =
        ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), held ? 0 : -1);
    const Clock::time_point now = Clock::now();
    for (int i = 0; i < count; ++i) {
      const std::uint64_t token = events[static_cast<std::size_t>(i)].data.u64;
      Relay& relay = *relays[token / 2];
      (token % 2 == 0 ? relay.out : relay.in)->take(now);
    }
    held = false;
    for (const auto& relay : relays) {
      held = relay->out->pass_on(now) || held;
      held = relay->in->pass_on(now) || held;
    }
  }
}
