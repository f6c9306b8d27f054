// What strangers may take of a server, and that others are served meanwhile.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/raw_client.h"
#include "http/server.h"
#include "http/test_server.h"

namespace dske::http {
namespace {

using namespace test;  // NOLINT
using std::chrono::milliseconds;

TEST_CASE("silent connections keep nobody from being served") {
  TestServer server;
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 300; ++i) silent.push_back(std::make_unique<RawClient>(server.port()));
  RawClient client(server.port());
  for (int i = 0; i < 50; ++i) REQUIRE(client.get("/small").status == 200);
}

TEST_CASE("a connection without a request ends after the time for a head, without an answer") {
  ServerLimits limits;
  limits.head_timeout = milliseconds(100);
  TestServer server(limits);
  const auto start = std::chrono::steady_clock::now();
  RawClient client(server.port());
  CHECK(client.ends_within(milliseconds(5000)));
  CHECK(std::chrono::steady_clock::now() - start >= milliseconds(100));
}

TEST_CASE("a head that does not end in time gets 408, however often it gets another byte") {
  ServerLimits limits;
  limits.head_timeout = milliseconds(1500);
  TestServer server(limits);
  RawClient client(server.port());
  REQUIRE(client.get("/small").status == 200);
  REQUIRE(client.send("GET /small HTTP/1.1\r\n"));
  std::atomic<bool> answered = false;
  std::thread trickle([&] {
    while (!answered) {
      client.send("x");
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  const RawAnswer answer = client.read_answer();
  answered = true;
  trickle.join();
  CHECK(answer.status == 408);
  CHECK(answer.has_header("Connection: close"));
  CHECK(answer.body.starts_with("{\"message\":\""));
}

TEST_CASE("a body that does not end in time gets 408") {
  ServerLimits limits;
  limits.body_timeout = milliseconds(100);
  TestServer server(limits);
  RawClient client(server.port());
  REQUIRE(client.send("POST /echo/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc"));
  CHECK(client.read_answer().status == 408);
}

TEST_CASE("an idle connection ends after the keep-alive time, one with a request in flight does not") {
  ServerLimits limits;
  limits.keep_alive_timeout = milliseconds(1500);
  limits.head_timeout = milliseconds(1500);
  TestServer server(limits);
  RawClient idle(server.port());
  REQUIRE(idle.get("/small").status == 200);
  RawClient busy(server.port());
  REQUIRE(busy.get("/small").status == 200);
  REQUIRE(busy.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(idle.ends_within(milliseconds(10000)));
  CHECK(busy.is_silent_for(milliseconds(1800)));
  server.answer_late("after a while");
  CHECK(busy.read_answer().body == "after a while");
}

TEST_CASE("a reader that does not read a large answer costs nothing and starves nobody") {
  TestServer server({}, {}, 1);
  RawClient slow(server.port());
  REQUIRE(slow.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  RawClient client(server.port());
  for (int i = 0; i < 200; ++i) REQUIRE(client.get("/small").status == 200);
  CHECK(server.written() == 0);
  const auto before = processor_time();
  std::this_thread::sleep_for(milliseconds(300));
  CHECK(processor_time() - before < milliseconds(150));
  CHECK(slow.read_answer().body.size() == TestServer::kLargeBytes);
  CHECK(soon([&] { return server.written() == 1; }));
}

TEST_CASE("a reader that takes nothing for the write time is closed, and its answer reported as lost") {
  ServerLimits limits;
  limits.write_timeout = milliseconds(150);
  TestServer server(limits);
  RawClient slow(server.port());
  REQUIRE(slow.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(soon([&] { return server.lost() == 1; }));
  CHECK(server.written() == 0);
}

TEST_CASE("a reader that goes away in the middle of an answer harms nothing") {
  TestServer server;
  for (int i = 0; i < 10; ++i) {
    RawClient client(server.port());
    REQUIRE(client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK_FALSE(client.is_silent_for(milliseconds(20000)));  // the answer has begun
    if (i % 2 == 0) client.reset();
  }
  CHECK(soon([&] { return server.lost() == 10; }));
  RawClient client(server.port());
  CHECK(client.get("/small").status == 200);
}

TEST_CASE(
    "connections over the limits, in all or of one address, are closed; others come when some have gone") {
  for (const bool per_address : {false, true}) {
    CAPTURE(per_address);
    ServerLimits limits;
    (per_address ? limits.connections_per_address : limits.connections) = 3;
    TestServer server(limits);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(std::make_unique<RawClient>(server.port()));
      REQUIRE(clients.back()->get("/small").status == 200);
    }
    RawClient refused(server.port());
    CHECK(refused.ends_within(milliseconds(5000)));
    CHECK(clients[0]->get("/small").status == 200);
    clients.pop_back();
    CHECK(soon([&] {
      RawClient next(server.port());
      return next.get("/small").status == 200;
    }));
  }
}

TEST_CASE("when places run out, those that only wait make room, the oldest first") {
  ServerLimits limits;
  limits.connections = 256;
  TestServer server(limits);
  RawClient busy(server.port());
  REQUIRE(busy.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(soon([&] { return server.late_requests() == 1; }));
  RawClient idle(server.port());
  REQUIRE(idle.get("/small").status == 200);
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 400; ++i) {
    silent.push_back(std::make_unique<RawClient>(server.port()));
    if (i % 10 > 0) continue;
    REQUIRE(soon([&] {
      RawClient client(server.port());
      return client.get("/small").status == 200;
    }));
  }
  CHECK(silent.front()->ends_within(milliseconds(5000)));
  CHECK(silent.back()->is_silent_for(milliseconds(100)));
  CHECK(idle.get("/small").status == 200);
  server.answer_late("kept");
  CHECK(busy.read_answer().body == "kept");
}

/// Takes all descriptors that this process may have.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lower = before_;
    lower.rlim_cur = 256;
    ::setrlimit(RLIMIT_NOFILE, &lower);
    while (true) {
      const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fd < 0) break;
      taken_.emplace_back(fd);
    }
  }
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
  std::vector<FileDescriptor> taken_;
};

TEST_CASE("when descriptors run out, new connections are turned away, and the others served") {
  TestServer server;
  RawClient early(server.port());
  REQUIRE(early.get("/small").status == 200);
  std::vector<FileDescriptor> sockets;
  for (int i = 0; i < 5; ++i) sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  {
    const NoDescriptorsLeft none_left;
    std::vector<std::unique_ptr<RawClient>> turned_away;  // kept, so that no descriptor comes free
    for (FileDescriptor& socket : sockets) {
      turned_away.push_back(std::make_unique<RawClient>(std::move(socket), server.port()));
      CHECK(turned_away.back()->ends_within(milliseconds(5000)));
      CHECK(early.get("/small").status == 200);
    }
    const auto before = processor_time();
    std::this_thread::sleep_for(milliseconds(200));
    CHECK(processor_time() - before < milliseconds(100));
  }
  RawClient late(server.port());
  CHECK(late.get("/small").status == 200);
}

TEST_CASE("an idle server uses no processor time") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(client.get("/small").status == 200);
  const auto before = processor_time();
  std::this_thread::sleep_for(milliseconds(500));
  CHECK(processor_time() - before < milliseconds(100));
}

}  // namespace
}  // namespace dske::http
