// A running server and one connection's bytes. The first byte says how they are cut into writes. What comes
// back must be exactly the answers that framer and router stand for, in their order, each well-formed; then
// the connection ends, and no socket stays behind.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/mutex.h"
#include "http/framer.h"
#include "http/router.h"
#include "http/server.h"

using namespace dske;
using namespace dske::http;

namespace {

constexpr FramerLimits kLimits{512, 16, 256};
constexpr int kPatienceMilliseconds = 8000;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "fuzz_http_server: %s\n", what);
  std::abort();
}

void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

std::string echo_of(const Request& request) {
  std::string text = request.method + " " + request.target();
  for (const std::string& parameter : request.parameters) text += " " + parameter;
  return text + " " + std::to_string(request.body.size());
}

Response echo(const Request& request) {
  return {200, "text/plain", {}, SecretBytes::copy_of(as_bytes(echo_of(request)))};
}

// Answers from a thread of its own.
class LateAnswers {
 public:
  LateAnswers() : thread_([this] { work(); }) {}
  ~LateAnswers() {
    {
      const MutexLock lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void add(Request request, Reply reply) {
    {
      const MutexLock lock(mutex_);
      waiting_.emplace_back(std::move(request), std::move(reply));
    }
    changed_.notify_all();
  }

 private:
  void work() {
    while (true) {
      std::deque<std::pair<Request, Reply>> taken;
      {
        MutexLock lock(mutex_);
        while (waiting_.empty() && !stop_) changed_.wait(mutex_);
        if (stop_) return;
        taken.swap(waiting_);
      }
      for (auto& [request, reply] : taken) reply.send(echo(request));
    }
  }

  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<std::pair<Request, Reply>> waiting_ GUARDED_BY(mutex_);
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Sockets alone: the fuzzer opens pipes of its own.
std::ptrdiff_t open_sockets() {
  return std::count_if(std::filesystem::directory_iterator("/proc/self/fd"), {}, [](const auto& entry) {
    std::error_code ended;
    return std::filesystem::read_symlink(entry.path(), ended).string().starts_with("socket:");
  });
}

// Server, and the router that tells what it ought to do.
class Subject {
 public:
  Subject() {
    const Handler at_once = [](Request request, Reply reply) { reply.send(echo(request)); };
    const Handler later = [this](Request request, Reply reply) {
      late_.add(std::move(request), std::move(reply));
    };
    const std::vector<Route> routes = {{"GET", "/", at_once},        {"POST", "/", at_once},
                                       {"GET", "/a/:x/b", at_once},  {"PUT", "/a/:x/b", later},
                                       {"DELETE", "/late", at_once}, {"GET", "/late", later}};
    ServerConfig config;
    config.name = "fuzzed";
    config.limits.request_head_bytes = kLimits.head_bytes;
    config.limits.request_headers = kLimits.headers;
    config.limits.body_bytes = kLimits.body_bytes;
    auto server = Server::start(config, routes);
    require(server.has_value(), "the server does not start");
    server_ = std::move(*server);
    auto router = Router::make(std::make_shared<const Routes>(routes), kLimits.head_bytes);
    require(router.has_value(), "the router cannot be made");
    router_ = std::move(*router);
    sockets_ = open_sockets();
  }

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] Router& router() { return *router_; }
  /// Waits until the server has closed all its connections.
  void require_no_socket_left() const {
    for (int i = 0; i < kPatienceMilliseconds && open_sockets() > sockets_; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    require(open_sockets() <= sockets_, "a socket stays behind");
  }

 private:
  LateAnswers late_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Router> router_;
  std::ptrdiff_t sockets_ = 0;
};

struct Expected {
  int status = 0;
  bool has_body = true;
  bool closes = false;
  std::string body;  // of 200
};

int routeless_status(const Request& request, const std::string& allow) {
  if (request.method == "OPTIONS" && (!allow.empty() || request.path == "*")) return 204;
  if (!is_known_method(request.method)) return 501;
  return allow.empty() ? 404 : 405;
}

std::vector<Expected> expected_answers(ByteView bytes, Router& router) {
  std::vector<Expected> answers;
  Framer framer(kLimits);
  while (!bytes.empty()) {
    bytes = bytes.subspan(framer.feed(bytes));
    if (framer.state() == Framer::State::refused) {
      const bool is_head = framer.head().request.method == "HEAD";
      answers.push_back({framer.refusal().status, !is_head, true, {}});
      return answers;
    }
    if (framer.state() != Framer::State::complete) continue;
    RequestHead head = framer.take();
    Router::Match match = router.find(head.request.method, head.request.path);
    Expected answer{200, head.request.method != "HEAD", !head.keep_alive, {}};
    if (match.handler == nullptr) {
      answer.status = routeless_status(head.request, match.allow);
    } else {
      head.request.parameters = std::move(match.parameters);
      answer.body = echo_of(head.request);
    }
    if (answer.status == 204) answer.has_body = false;
    answers.push_back(std::move(answer));
    if (!head.keep_alive) break;
  }
  return answers;
}

sockaddr_in loopback(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host);
  return address;
}

// Sends the bytes in pieces, then its end; gives back all that came up to the server's end.
std::string converse(std::uint16_t port, ByteView bytes, unsigned seed) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Each from another address, so that ports that have to wait after a connection do not run out.
  static std::uint32_t source = 0;
  ::setsockopt(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const sockaddr_in from = loopback(INADDR_LOOPBACK + 1 + ++source % 65536, 0);
  const sockaddr_in to = loopback(INADDR_LOOPBACK, port);
  require(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0, "cannot bind");
  const bool connected =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 || errno == EINTR;
  require(connected, "cannot connect");
  bool has_ended = false;
  std::string received;
  while (true) {
    if (bytes.empty() && !has_ended) {
      ::shutdown(socket.get(), SHUT_WR);
      has_ended = true;
    }
    pollfd polled{socket.get(), static_cast<short>(has_ended ? POLLIN : POLLIN | POLLOUT), 0};
    int ready = 0;
    do {  // libFuzzer's alarm interrupts it
      ready = ::poll(&polled, 1, kPatienceMilliseconds);
    } while (ready < 0 && errno == EINTR);
    require(ready == 1, "the server does not end the connection");
    if ((polled.revents & POLLIN) != 0) {
      char buffer[4096];
      const ssize_t size = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (size == 0) return received;
      require(size > 0, "the server resets the connection");
      received.append(buffer, static_cast<std::size_t>(size));
    } else if ((polled.revents & POLLOUT) != 0) {
      seed = seed * 1103515245 + 12345;
      const std::size_t piece = (seed >> 16) % 4 == 0 ? bytes.size() : 1 + (seed >> 20) % 40;
      const ssize_t sent =
          ::send(socket.get(), bytes.data(), std::min(piece, bytes.size()), MSG_NOSIGNAL | MSG_DONTWAIT);
      require(sent > 0, "the server does not take the bytes");
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else {
      fail("the server breaks the connection");
    }
  }
}

std::string take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  require(end != std::string_view::npos, "a line of an answer's head does not end");
  std::string line(text.substr(0, end));
  text.remove_prefix(end + 2);
  require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
          "a line holds an odd character");
  return line;
}

// Takes one answer off the front of `text`, checks it, and says whether it was an interim one.
bool take_answer(std::string_view& text, const Expected& expected) {
  const std::string line = take_line(text);
  if (line == "HTTP/1.1 100 Continue") {
    require(take_line(text).empty(), "an interim answer has headers");
    return true;
  }
  require(line.starts_with("HTTP/1.1 " + std::to_string(expected.status) + " "), "another status");
  std::string length;
  std::string connection;
  bool is_json = false;
  for (std::string header = take_line(text); !header.empty(); header = take_line(text)) {
    const std::size_t colon = header.find(": ");
    require(colon != std::string::npos && is_token(header.substr(0, colon)), "a malformed header");
    const std::string value = header.substr(colon + 2);
    require(is_header_value(value), "a malformed header's value");
    if (header.starts_with("Content-Length")) require(std::exchange(length, value).empty(), "two lengths");
    if (header.starts_with("Connection")) connection = value;
    if (header == "Content-Type: application/json") is_json = true;
    require(!header.starts_with("Transfer-Encoding"), "an answer in chunks");
  }
  require(expected.closes == (connection == "close"), "Connection says something else than what is done");
  if (!expected.has_body) return false;
  require(!length.empty(), "no Content-Length");
  const std::size_t size = std::stoul(length);
  require(text.size() >= size, "the body is cut off");
  const std::string_view body = text.substr(0, size);
  if (expected.status == 200) require(body == expected.body, "another body");
  if (expected.status >= 400)
    require(is_json && body.starts_with("{\"message\":\"") && body.ends_with("\"}"),
            "an error without a message");
  text.remove_prefix(size);
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Subject subject;
  static unsigned runs = 0;
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  const std::string received = converse(subject.port(), bytes, data[0]);
  std::string_view rest = received;
  for (const Expected& expected : expected_answers(bytes, subject.router())) {
    while (take_answer(rest, expected)) {
    }
  }
  // The last request may have got its interim answer and never come to its end.
  if (!rest.empty()) require(rest == "HTTP/1.1 100 Continue\r\n\r\n", "more answers than requests");
  if (++runs % 1024 == 1) subject.require_no_socket_left();
  return 0;
}
