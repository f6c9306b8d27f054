// How a server ends.
#include <atomic>
#include <latch>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "http/raw_client.h"
#include "http/server.h"
#include "http/test_server.h"

namespace dske::http {
namespace {

using namespace test;  // NOLINT
using std::chrono::milliseconds;

TEST_CASE("a stop closes idle connections, lets the request in flight finish, and returns then") {
  TestServer server({}, {}, 1);  // whose one worker knows of the stop when it closes the idle connection
  RawClient idle(server.port());
  REQUIRE(idle.get("/small").status == 200);
  RawClient busy(server.port());
  REQUIRE(busy.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(soon([&] { return server.late_requests() == 1; }));

  std::atomic<bool> returned = false;
  std::thread stopping([&] {
    server.server().stop(std::chrono::seconds(20));
    returned = true;
  });
  CHECK(idle.ends_within(milliseconds(5000)));
  CHECK_FALSE(returned);
  server.answer_late("the last one");
  const RawAnswer answer = busy.read_answer();
  CHECK(answer.body == "the last one");
  CHECK(answer.has_header("Connection: close"));
  CHECK(busy.ends_within(milliseconds(5000)));
  busy.half_close();
  busy.reset();
  stopping.join();
  CHECK(server.written() == 1);
}

TEST_CASE("a request whose first bytes have come counts as in flight") {
  TestServer server({}, {}, 1);
  RawClient idle(server.port());
  REQUIRE(idle.get("/small").status == 200);
  RawClient client(server.port());
  REQUIRE(client.get("/small").status == 200);
  REQUIRE(client.send("GET /small HTTP/1.1\r\nHo"));
  std::thread stopping([&] { server.server().stop(std::chrono::seconds(20)); });
  CHECK(idle.ends_within(milliseconds(5000)));
  REQUIRE(client.send("st: a\r\n\r\n"));
  CHECK(client.read_answer().has_header("Connection: close"));
  client.reset();
  stopping.join();
}

TEST_CASE("a stop returns after its grace, what is then unanswered is lost") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(soon([&] { return server.late_requests() == 1; }));
  const auto start = std::chrono::steady_clock::now();
  server.server().stop(milliseconds(100));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  CHECK(client.ends_within(milliseconds(5000)));
  server.answer_late("too late");
  CHECK(server.lost() == 1);
  server.server().stop(milliseconds(100));  // nothing is left to do
}

TEST_CASE("a reply may outlive its server") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(soon([&] { return server.late_requests() == 1; }));
  server.destroy();
  server.answer_late("to nobody");
  CHECK(server.lost() == 1);
}

TEST_CASE("a server can stop while clients come, send and go") {
  for (int round = 0; round < 5; ++round) {
    auto server = std::make_unique<TestServer>();
    std::atomic<bool> done = false;
    std::vector<std::thread> clients;
    const std::uint16_t port = server->port();
    std::latch connected(4);
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&, port, i] {
        RawClient client(port);
        connected.count_down();
        while (!done && client.get(i == 0 ? "/late" : "/small").status == 200) {
        }
      });
    }
    std::thread answering([&] {
      while (!done) {
        server->answer_late("late");
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
    connected.wait();
    std::this_thread::sleep_for(milliseconds(40));
    server->server().stop(milliseconds(2000));
    done = true;
    answering.join();
    for (std::thread& client : clients) client.join();
  }
}

}  // namespace
}  // namespace dske::http
