// Traffic through tunnels between network namespaces, on both ways of each: packets at an interval and, if
// wanted, a TCP stream that is held to 1 Mbit/s. One process for all tunnels; needs root, to make sockets in
// their namespaces.
//
//     tunnel-traffic SECONDS INTERVAL_MS [stream] < TUNNELS
//
// TUNNELS has one line for each: NAMESPACE ADDRESS NAMESPACE ADDRESS. Begins once packets have come through
// all of them. Prints an array with one object per tunnel: {"ways":[WAY,WAY],"tcp_stall_seconds":N}, where
// WAY is {"sent_at":[...], "received_at":[...]}, one number or null for each packet, in seconds of the
// monotonic clock.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "namespace_socket.h"

namespace {

using namespace dske::test;

constexpr std::uint16_t kPort = 7000;
constexpr double kMeetMost = 60;
constexpr double kMeetAgain = 0.05;
constexpr double kSleepLeast = 0.001;
// At the end: waits without a packet. Counted, since a machine that stands still delivers nothing.
constexpr double kWait = 0.2;
constexpr int kIdleWaits = 15;
constexpr double kStreamInterval = 0.2;
constexpr std::size_t kStreamPiece = 25000;  // five a second are 1 Mbit/s
constexpr double kConnectAgain = 1;
constexpr std::uint64_t kHello = ~std::uint64_t{0};  // instead of a packet's number

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// One end of a tunnel. Its numbers count the packets that it sent; the other end notes their arrival.
class End {
 public:
  enum class Kind : std::uint64_t { packets, listener, stream };

  End(std::string space, const std::string& own, const std::string& peer)
      : space_(std::move(space)), own_(address_of(own, kPort)), peer_(address_of(peer, kPort)) {
    enter(space_);
    packets_ = make_socket(SOCK_DGRAM);
    bind_to(packets_, own_);
  }

  void watch_all(const Descriptor& epoll, std::uint64_t index) {
    epoll_ = &epoll;
    token_ = index * 4;
    watch(epoll, packets_, token_ + static_cast<std::uint64_t>(Kind::packets));
  }

  // The streams begin: this end takes one and makes one.
  void begin_stream() {
    enter(space_);
    listener_ = make_socket(SOCK_STREAM);
    bind_to(listener_, own_);
    if (::listen(listener_.get(), 4) != 0) die("cannot listen in " + space_);
    watch(*epoll_, listener_, token_ + static_cast<std::uint64_t>(Kind::listener));
  }

  void say_hello() const { send(kHello); }
  void send_packet(double at) {
    send(sent_at_.size());
    sent_at_.push_back(at);
    received_at_.push_back(0);
  }

  // `from` is the other end. Returns whether there was anything.
  bool receive(End& from) {
    std::uint64_t number = 0;
    bool some = false;
    while (::recv(packets_.get(), &number, sizeof number, 0) == sizeof number) {
      some = met_ = true;
      if (number < from.received_at_.size() && from.received_at_[number] == 0)
        from.received_at_[number] = now();
    }
    return some;
  }

  void accept() {
    Descriptor taken(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!taken.is_open()) return;
    incoming_ = std::move(taken);
    watch(*epoll_, incoming_, token_ + static_cast<std::uint64_t>(Kind::stream));
  }

  void take_stream() {
    std::array<std::uint8_t, 65536> piece;
    const ssize_t got = ::recv(incoming_.get(), piece.data(), piece.size(), 0);
    if (got > 0) return note_stream(now());
    if (got == 0 || errno != EAGAIN) incoming_.close();
  }

  void feed_stream(double at) {
    static const std::array<std::uint8_t, kStreamPiece> piece{};
    if (!outgoing_.is_open()) {
      if (at < connect_at_) return;
      connect_at_ = at + kConnectAgain;
      enter(space_);
      outgoing_ = make_socket(SOCK_STREAM);
      const bool begun = ::connect(outgoing_.get(), plain(peer_), sizeof peer_) == 0 || errno == EINPROGRESS;
      if (!begun) outgoing_.close();
      return;
    }
    // What the stream does not take now is left out: it is held to its rate, not brought up to it.
    const ssize_t sent = ::send(outgoing_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) outgoing_.close();
  }

  void note_stream(double at) {
    if (streamed_at_ != 0) stall_ = std::max(stall_, at - streamed_at_);
    streamed_at_ = at;
  }
  void end_stream(double at) {
    if (streamed_at_ != 0) note_stream(at);
    streamed_at_ = 0;
  }

  [[nodiscard]] bool met() const { return met_; }
  [[nodiscard]] const std::string& space() const { return space_; }
  [[nodiscard]] double stall() const { return stall_; }

  void print_way() const {
    std::printf(R"({"sent_at":[)");
    for (std::size_t i = 0; i < sent_at_.size(); ++i) std::printf(i == 0 ? "%.3f" : ",%.3f", sent_at_[i]);
    std::printf(R"(],"received_at":[)");
    for (std::size_t i = 0; i < received_at_.size(); ++i) {
      if (i != 0) std::putchar(',');
      if (received_at_[i] == 0) {
        std::printf("null");
      } else {
        std::printf("%.3f", received_at_[i]);
      }
    }
    std::printf("]}");
  }

 private:
  // What cannot be sent now is lost, as on any way.
  void send(std::uint64_t number) const {
    (void)::sendto(packets_.get(), &number, sizeof number, MSG_NOSIGNAL, plain(peer_), sizeof peer_);
  }

  const std::string space_;
  const sockaddr_in own_;
  const sockaddr_in peer_;
  Descriptor packets_;
  Descriptor listener_;
  Descriptor incoming_;
  Descriptor outgoing_;
  const Descriptor* epoll_ = nullptr;
  std::uint64_t token_ = 0;
  bool met_ = false;
  std::vector<double> sent_at_;
  std::vector<double> received_at_;  // by the other end; 0: not yet
  double connect_at_ = 0;
  double streamed_at_ = 0;  // 0: has not begun
  double stall_ = 0;
};

class Traffic {
 public:
  Traffic() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    std::string one, own, two, peer;
    while (std::cin >> one >> own >> two >> peer) {
      ends_.push_back(std::make_unique<End>(one, own, peer));
      ends_.push_back(std::make_unique<End>(two, peer, own));
    }
    for (std::size_t i = 0; i < ends_.size(); ++i) ends_[i]->watch_all(epoll_, i);
  }

  // What each end gets from the other tells it that the way is open; the last hello tells the other end the
  // same.
  void meet() {
    const double deadline = now() + kMeetMost;
    const auto all_met = [&] {
      return std::all_of(ends_.begin(), ends_.end(), [](const auto& end) { return end->met(); });
    };
    while (!all_met()) {
      for (const auto& end : ends_) {
        end->say_hello();
        errno = ETIMEDOUT;
        if (now() > deadline && !end->met()) die("nothing comes to " + end->space());
      }
      const double again = now() + kMeetAgain;
      while (now() < again) (void)wait(again - now());
    }
    for (const auto& end : ends_) end->say_hello();
  }

  // All ends send at the same moments: a device that gets to run finds what it is to send and to take
  // together. What a busy machine made late is not made up for by a burst.
  void run(double seconds, double interval, bool stream) {
    if (stream) {
      for (const auto& end : ends_) end->begin_stream();
    }
    double due = std::ceil(now() / interval) * interval;
    const double until = due + seconds;
    double stream_due = due;
    for (double time = now(); time < until; time = now()) {
      if (time >= due) {
        due = time - due > 4 * interval ? time : due + interval;
        for (const auto& end : ends_) end->send_packet(now());
      }
      if (stream && time >= stream_due) {
        stream_due = std::max(stream_due + kStreamInterval, time);
        for (const auto& end : ends_) end->feed_stream(time);
      }
      const double left = due - now();
      // Not at once, so that what comes comes together.
      if (left > kSleepLeast) ::usleep(static_cast<useconds_t>(kSleepLeast * 1e6));
      (void)wait(std::max(due - now(), 0.0));
    }
    for (const auto& end : ends_) end->end_stream(now());
    for (int idle = 0; idle < kIdleWaits;) idle = wait(kWait) ? 0 : idle + 1;
  }

  void print() const {
    std::putchar('[');
    for (std::size_t i = 0; i < ends_.size(); i += 2) {
      std::printf(i == 0 ? R"({"ways":[)" : R"(,{"ways":[)");
      ends_[i]->print_way();
      std::putchar(',');
      ends_[i + 1]->print_way();
      std::printf(R"(],"tcp_stall_seconds":%.3f})", std::max(ends_[i]->stall(), ends_[i + 1]->stall()));
    }
    std::puts("]");
  }

 private:
  // Takes what comes within this time. Returns whether packets came.
  bool wait(double seconds) {
    std::array<epoll_event, 256> events;
    timespec time{};
    time.tv_sec = static_cast<time_t>(seconds);
    time.tv_nsec = static_cast<long>((seconds - static_cast<double>(time.tv_sec)) * 1e9);
    const int count =
        ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &time, nullptr);
    bool some = false;
    for (int i = 0; i < count; ++i) {
      const std::size_t index = events[static_cast<std::size_t>(i)].data.u64 / 4;
      End& end = *ends_[index];
      switch (static_cast<End::Kind>(events[static_cast<std::size_t>(i)].data.u64 % 4)) {
        case End::Kind::packets:
          some = end.receive(*ends_[index ^ 1U]) || some;
          break;
        case End::Kind::listener:
          end.accept();
          break;
        case End::Kind::stream:
          end.take_stream();
          break;
      }
    }
    return some;
  }

  const Descriptor epoll_;
  std::vector<std::unique_ptr<End>> ends_;  // both of a tunnel beside each other
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: tunnel-traffic SECONDS INTERVAL_MS [stream] < TUNNELS\n";
    return 2;
  }
  run_first();
  Traffic traffic;
  traffic.meet();
  traffic.run(std::strtod(argv[1], nullptr), std::strtod(argv[2], nullptr) / 1000, argc > 3);
  traffic.print();
}
