#include "bench/load_generator.h"

#include <array>
#include <cerrno>
#include <chrono>

#include <fmt/core.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/answer_reader.h"
#include "bench/process_figures.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

constexpr int kAnswerTimeoutMs = 30000;

struct Lane {
  TlsConnection connection;
  AnswerReader reader;
  std::size_t request = 0;  // the one that waits for its answer
  steady_clock::time_point sent;
};

class EpollGenerator final : public LoadGenerator {
 public:
  explicit EpollGenerator(TlsContextPointer context)
      : context_(std::move(context)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~EpollGenerator() override {
    if (epoll_ >= 0) ::close(epoll_);
  }
  EpollGenerator(const EpollGenerator&) = delete;
  EpollGenerator& operator=(const EpollGenerator&) = delete;

  Result<void> add(const ServerAddress& server) {
    auto connection = TlsConnection::open(context_.get(), server);
    if (!connection) return connection.error();
    if (auto ready = connection->stop_waiting(); !ready) return ready;
    lanes_.push_back(std::make_unique<Lane>(Lane{std::move(*connection), {}, 0, {}}));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = lanes_.back().get();
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, lanes_.back()->connection.descriptor(), &event) != 0)
      return io_error("cannot watch a socket", errno);
    return {};
  }

  Result<Burst> run(std::span<const std::string> requests, std::size_t keys) override {
    Burst burst;
    burst.latencies.resize(requests.size());
    burst.bodies.resize(requests.size());
    next_ = 0;
    answered_ = 0;
    const double cpu = thread_seconds();
    const auto begun = steady_clock::now();
    for (const auto& lane : lanes_) {
      if (auto sent = send_next(*lane, requests); !sent) return sent.error();
    }
    while (answered_ < requests.size()) {
      std::array<epoll_event, 64> events{};
      const int ready =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kAnswerTimeoutMs);
      if (ready < 0 && errno != EINTR) return io_error("cannot wait for answers", errno);
      if (ready == 0) return Error{ErrorKind::unavailable, "no answer within 30 s"};
      for (int i = 0; i < ready; ++i) {
        Lane& lane = *static_cast<Lane*>(events.at(static_cast<std::size_t>(i)).data.ptr);
        if (auto read = receive(lane, requests, keys, burst); !read) return read.error();
      }
    }
    burst.seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
    burst.generator_seconds = thread_seconds() - cpu;
    return burst;
  }

 private:
  Result<void> send_next(Lane& lane, std::span<const std::string> requests) {
    if (next_ == requests.size()) return {};
    lane.request = next_++;
    lane.sent = steady_clock::now();
    return lane.connection.write(requests[lane.request]);
  }

  Result<void> receive(Lane& lane, std::span<const std::string> requests, std::size_t keys, Burst& burst) {
    while (true) {
      const auto size = lane.connection.read(buffer_.data(), buffer_.size());
      if (!size) return size.error();
      if (*size == 0) return {};
      const auto state = lane.reader.feed({buffer_.data(), *size});
      wipe({reinterpret_cast<std::uint8_t*>(buffer_.data()), *size});
      if (state == AnswerReader::State::broken)
        return Error{ErrorKind::corrupt, "an answer that the load generator cannot read"};
      if (state == AnswerReader::State::incomplete) continue;
      burst.latencies[lane.request] = steady_clock::now() - lane.sent;
      if (auto good = check(lane.reader, keys); !good) return good;
      burst.bodies[lane.request] = lane.reader.take_body();
      ++answered_;
      return send_next(lane, requests);
    }
  }

  static Result<void> check(const AnswerReader& reader, std::size_t keys) {
    if (reader.status() != 200) {
      return Error{reader.status() == 429 ? ErrorKind::exhausted : ErrorKind::unavailable,
                   fmt::format("answered {}: {}", reader.status(), reader.body().substr(0, 300))};
    }
    if (reader.closes()) return Error{ErrorKind::unavailable, "the server does not keep the connection"};
    if (keys != 0 && count_key_ids(reader.body()) != keys)
      return Error{ErrorKind::internal, "another number of keys than asked for"};
    return {};
  }

  TlsContextPointer context_;
  int epoll_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::array<char, 16384> buffer_{};
  std::size_t next_ = 0;
  std::size_t answered_ = 0;
};

}  // namespace

Result<std::unique_ptr<LoadGenerator>> LoadGenerator::connect(const ServerAddress& server,
                                                              const http::TlsClientConfig& tls,
                                                              std::size_t connections) {
  auto context = client_context(tls);
  if (!context) return context.error();
  auto generator = std::make_unique<EpollGenerator>(std::move(*context));
  for (std::size_t i = 0; i < connections; ++i) {
    if (auto added = generator->add(server); !added) return added.error();
  }
  return std::unique_ptr<LoadGenerator>(std::move(generator));
}

std::string request_text(const ServerAddress& server, const std::string& target, const std::string& body) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}:{}\r\n", body.empty() ? "GET" : "POST", target,
                                 server.address, server.port);
  if (!body.empty())
    text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  return text + "\r\n" + body;
}

}  // namespace dske::bench
