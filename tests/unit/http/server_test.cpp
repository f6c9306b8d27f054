// A running server and what it answers, over plain HTTP.
#include "http/server.h"

#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "http/raw_client.h"
#include "http/test_server.h"

namespace dske::http {
namespace {

using namespace test;  // NOLINT
using std::chrono::milliseconds;

constexpr std::string_view kGetSmall = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_CASE("requests on one connection are answered one after the other") {
  TestServer server;
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const RawAnswer answer = client.get("/small");
    CHECK(answer.status == 200);
    CHECK(answer.body == "small");
    CHECK(answer.has_header("Content-Type: text/plain"));
    CHECK(answer.has_header("Cache-Control: no-store"));
    CHECK(answer.head.find("Connection:") == std::string::npos);
    CHECK(answer.head.find("\r\nDate: ") != std::string::npos);
  }
}

TEST_CASE("a handler gets path, query, parameters, body and the sender's address as they are") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(client.send("POST /echo/a%20b?x=1&x=2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"));
  const RawAnswer answer = client.read_answer();
  CHECK(answer.body == "body");
  CHECK(answer.has_header("X-Path: /echo/a%20b"));
  CHECK(answer.has_header("X-Query: x=1&x=2"));
  CHECK(answer.has_header("X-Name: a%20b"));
  CHECK(answer.has_header("X-From: 127.0.0.1"));
  CHECK(answer.head.find("X-Subject") == std::string::npos);
}

TEST_CASE("pipelined requests are answered in order, also behind one that is answered late") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(client.send(
      "GET /late HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGetSmall) +
      "POST /echo/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
  REQUIRE(soon([&] { return server.late_requests() == 1; }));
  CHECK(client.is_silent_for(milliseconds(50)));
  server.answer_late("at last");
  CHECK(client.read_answer().body == "at last");
  CHECK(client.read_answer().body == "small");
  CHECK(client.read_answer().body == "abc");
}

TEST_CASE("hundreds of pipelined requests are all answered") {
  TestServer server;
  RawClient client(server.port());
  std::string requests;
  for (int i = 0; i < 700; ++i) requests += kGetSmall;
  REQUIRE(client.send(requests));
  int answers = 0;
  while (answers < 700 && client.read_answer().body == "small") ++answers;
  CHECK(answers == 700);
}

TEST_CASE("a request that comes byte by byte is a request") {
  TestServer server;
  RawClient client(server.port());
  for (const char c : kGetSmall) REQUIRE(client.send({&c, 1}));
  CHECK(client.read_answer().body == "small");
}

TEST_CASE("HEAD tells the length that GET would have, without the body") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(client.send("HEAD /small HTTP/1.1\r\nHost: a\r\n\r\n"));
  const RawAnswer answer = client.read_answer(RawClient::Body::none);
  CHECK(answer.status == 200);
  CHECK(answer.has_header("Content-Length: 5"));
  CHECK(client.get("/small").body == "small");
}

TEST_CASE("who expects 100 Continue gets it before the body is due") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(
      client.send("POST /echo/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  const RawAnswer interim = client.read_answer();
  CHECK(interim.status == 100);
  REQUIRE(client.send("ok"));
  CHECK(client.read_answer().body == "ok");
}

TEST_CASE(
    "Connection: close and HTTP/1.0 end the connection after the answer, HTTP/1.0 with keep-alive does not") {
  TestServer server;
  RawClient closing(server.port());
  REQUIRE(
      closing.send("GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + std::string(kGetSmall)));
  CHECK(closing.read_answer().has_header("Connection: close"));
  CHECK(closing.ends_within(milliseconds(5000)));

  RawClient old(server.port());
  REQUIRE(old.send("GET /small HTTP/1.0\r\n\r\n"));
  CHECK(old.read_answer().body == "small");
  CHECK(old.ends_within(milliseconds(5000)));

  RawClient kept(server.port());
  REQUIRE(kept.send("GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  CHECK(kept.read_answer().has_header("Connection: keep-alive"));
  CHECK(kept.get("/small").body == "small");
}

TEST_CASE("unknown paths, methods that a path lacks and unknown methods are told apart, with a message") {
  TestServer server;
  RawClient client(server.port());
  const RawAnswer unknown = client.get("/nothing/here");
  CHECK(unknown.status == 404);
  CHECK(unknown.body.starts_with("{\"message\":\""));
  CHECK(unknown.has_header("Content-Type: application/json"));

  const auto request = [&](std::string_view line) {
    REQUIRE(client.send(std::string(line) + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    return client.read_answer();
  };
  const RawAnswer lacking = request("PUT /small");
  CHECK(lacking.status == 405);
  CHECK(lacking.has_header("Allow: GET, HEAD, DELETE, OPTIONS"));
  CHECK(lacking.body.starts_with("{\"message\":\""));
  CHECK(request("PATCH /small").status == 405);
  CHECK(request("TRACE /small").status == 405);
  CHECK(request("BREW /small").status == 501);
  CHECK(request("get /small").status == 501);
  const RawAnswer options = request("OPTIONS /small");
  CHECK(options.status == 204);
  CHECK(options.has_header("Allow: GET, HEAD, DELETE, OPTIONS"));
  CHECK(request("OPTIONS *").status == 204);
  CHECK(request("OPTIONS /nothing").status == 404);
  CHECK(request("GET http://kme.example/small").body == "small");
}

TEST_CASE("what the framer refuses is answered with its status and a message, then the connection ends") {
  ServerLimits limits;
  limits.request_head_bytes = 1024;
  limits.body_bytes = 100;
  TestServer server(limits);
  const std::pair<std::string, int> cases[] = {
      {"GET /small HTTP/1.1\r\n\r\n", 400},
      {"GET /small HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {"GET /" + std::string(2000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"GET /small HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", 431},
      {"POST /echo/x HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'), 413},
      {"POST /echo/x HTTP/1.0\r\n\r\n", 411},
      {"POST /echo/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
  };
  for (const auto& [bytes, status] : cases) {
    const std::string beginning = bytes.substr(0, 60);
    CAPTURE(beginning);
    RawClient client(server.port());
    REQUIRE(client.send(bytes));
    const RawAnswer answer = client.read_answer();
    CHECK(answer.status == status);
    CHECK(answer.body.starts_with("{\"message\":\""));
    CHECK(answer.has_header("Connection: close"));
    client.half_close();
    CHECK(client.ends_within(milliseconds(5000)));
  }
}

TEST_CASE("a refusal reaches a client that goes on sending its body") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(client.send("POST /echo/x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n"));
  const std::string piece(64 * 1024, 'x');
  for (int i = 0; i < 64; ++i) {
    if (!client.send(piece)) break;
  }
  CHECK(client.read_answer().status == 413);
}

TEST_CASE("a handler that throws or forgets its reply is answered for with 500, without its text") {
  TestServer server;
  RawClient client(server.port());
  for (const std::string_view path : {"/throws", "/forgets"}) {
    const RawAnswer answer = client.get(path);
    CHECK(answer.status == 500);
    CHECK(answer.body.starts_with("{\"message\":\""));
    CHECK(answer.body.find("business") == std::string::npos);
  }
  CHECK(client.get("/small").status == 200);
}

TEST_CASE("answers that come late, from another thread, reach their own connections") {
  TestServer server;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    REQUIRE(clients.back()->send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  REQUIRE(soon([&] { return server.late_requests() == 20; }));
  server.answer_late("late");
  for (const auto& client : clients) CHECK(client->read_answer().body == "late");
  CHECK(soon([&] { return server.written() == 20; }));
  CHECK(server.lost() == 0);
}

TEST_CASE("an answer whose connection has gone is dropped, and never reaches who came after") {
  TestServer server({}, {}, 1);
  {
    RawClient gone(server.port());
    REQUIRE(gone.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
    REQUIRE(soon([&] { return server.late_requests() == 1; }));
    gone.reset();
  }
  std::this_thread::sleep_for(milliseconds(50));
  RawClient next(server.port());  // very likely with the descriptor number of the one that has gone
  CHECK(next.get("/small").status == 200);
  server.answer_late("not yours");
  CHECK(soon([&] { return server.lost() == 1; }));
  CHECK(next.is_silent_for(milliseconds(50)));
  CHECK(next.get("/small").body == "small");
  CHECK(server.written() == 0);
}

TEST_CASE("who half-closes after the request still gets the answer") {
  TestServer server;
  RawClient client(server.port());
  REQUIRE(client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
  client.half_close();
  REQUIRE(soon([&] { return server.late_requests() == 1; }));
  std::this_thread::sleep_for(milliseconds(50));
  server.answer_late("still here");
  CHECK(client.read_answer().body == "still here");
  CHECK(client.ends_within(milliseconds(5000)));
  CHECK(server.written() == 1);
}

TEST_CASE("a large answer arrives whole") {
  TestServer server;
  RawClient client(server.port());
  const RawAnswer answer = client.get("/large");
  REQUIRE(answer.body.size() == TestServer::kLargeBytes);
  bool same = true;
  for (std::size_t i = 0; i < answer.body.size(); ++i)
    same = same && answer.body[i] == static_cast<char>('a' + i % 23);
  CHECK(same);
  CHECK(soon([&] { return server.written() == 1; }));
}

TEST_CASE("an answer over the limit is not sent at all") {
  ServerLimits limits;
  limits.pending_write_bytes = 1024 * 1024;
  TestServer server(limits);
  RawClient client(server.port());
  REQUIRE(client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(client.ends_within(milliseconds(5000)));
  CHECK(soon([&] { return server.lost() == 1; }));
}

TEST_CASE("a server says why it cannot start") {
  TestServer server;
  ServerConfig config;
  config.name = "second";
  config.port = server.port();
  const auto taken = Server::start(config, {});
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().message.find("127.0.0.1 port " + std::to_string(server.port())) != std::string::npos);
  CHECK(taken.error().message.find("in use") != std::string::npos);

  config.port = 0;
  config.limits.body_bytes = 0;
  CHECK(Server::start(config, {}).error().kind == ErrorKind::invalid);
  config.limits.body_bytes = 1;
  config.workers = 0;
  CHECK(Server::start(config, {}).error().kind == ErrorKind::invalid);
  config.workers = 1;
  config.address = "not an address";
  CHECK_FALSE(Server::start(config, {}).has_value());
  config.address = "127.0.0.1";
  CHECK_FALSE(Server::start(config, {{"GET", "no slash", {}}}).has_value());
}

}  // namespace
}  // namespace dske::http
