#include "http/client.h"

#include <algorithm>
#include <array>
#include <future>
#include <latch>
#include <map>
#include <set>

#include <doctest/doctest.h>
#include <unistd.h>

#include "client_calls.h"

using namespace dske;
using namespace dske::http;
using namespace dske::http::test;  // NOLINT
using std::chrono::milliseconds;

TEST_CASE("a call brings back status, headers and body, whatever the status") {
  RawServer server([](RawConnection& connection) {
    while (connection.read_request()) {
      connection.write("HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nX-Empty:\r\nContent-Length: 4\r\n\r\nlate");
    }
  });
  const auto loop = ClientLoop::start();
  BlockingClient blocking;
  for (int i = 0; i < 2; ++i) {
    const auto answer =
        i == 0 ? send_and_wait(*loop, get(server.url("/x"))) : blocking.send(get(server.url("/x")));
    REQUIRE(answer.has_value());
    CHECK(answer->status == 503);
    CHECK(answer->body.text() == "late");
    CHECK(answer->header("retry-AFTER") == "7");
    CHECK(answer->header("x-empty").empty());
    CHECK(answer->header("absent").empty());
    CHECK(answer->headers.size() == 3);
  }
}

TEST_CASE("a request has the method, path, headers and body of the call and nothing that was not asked for") {
  std::promise<std::string> received;
  RawServer server([&](RawConnection& connection) {
    received.set_value(connection.read_request().value_or(""));
    connection.answer(200, "");
  });
  Call call = get(server.url("/a/../%2e/b?q=1%20&r"));
  call.method = "PUT";
  call.headers = {{"DSKE-Signature", "abc;def"}, {"X-Empty", ""}};
  call.body = SecretBytes::copy_of("{\"x\":1}");
  call.content_type = "application/json";
  BlockingClient client;
  REQUIRE(client.send(call).has_value());
  CHECK(received.get_future().get() ==
        "PUT /a/../%2e/b?q=1%20&r HTTP/1.1\r\nHost: " + server.authority() +
            "\r\nAccept: */*\r\nContent-Type: application/json\r\n"
            "DSKE-Signature: abc;def\r\nX-Empty:\r\nContent-Length: 7\r\n\r\n{\"x\":1}");
}

TEST_CASE("a large body goes out whole, without waiting for leave to send it") {
  const std::size_t size = 3'000'000;
  std::promise<std::string> received;
  RawServer server([&](RawConnection& connection) {
    received.set_value(connection.read_request().value_or(""));
    connection.answer(200, "");
  });
  Call call = get(server.url("/"));
  call.method = "POST";
  call.body = SecretBytes(size);
  for (std::size_t i = 0; i < size; ++i) call.body.span()[i] = static_cast<std::uint8_t>(i % 251);
  const std::string sent(call.body.text());
  const auto loop = ClientLoop::start();
  REQUIRE(send_and_wait(*loop, std::move(call)).has_value());
  const std::string request = received.get_future().get();
  CHECK(request.find("Expect") == std::string::npos);
  CHECK(request.find("Content-Type") == std::string::npos);
  CHECK(request.substr(request.find("\r\n\r\n") + 4) == sent);
}

TEST_CASE("an empty body announces its length with POST and PUT and is left out with GET and DELETE") {
  RawServer server([](RawConnection& connection) {
    while (const auto request = connection.read_request()) connection.answer(200, *request);
  });
  BlockingClient client;
  for (const std::string method : {"POST", "PUT", "GET", "DELETE"}) {
    Call call = get(server.url("/"));
    call.method = method;
    const auto answer = client.send(call);
    REQUIRE(answer.has_value());
    CHECK(answer->body.text().substr(0, method.size() + 1) == method + " ");
    const bool announced = answer->body.text().find("Content-Length: 0\r\n") != std::string_view::npos;
    CHECK(announced == (method == "POST" || method == "PUT"));
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("an answer in chunks after an interim one is put together, and what trails it is left out") {
  RawServer server([](RawConnection& connection) {
    static_cast<void>(connection.read_request());
    connection.write("HTTP/1.1 103 Early\r\nLink: early\r\n\r\n");
    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n3\r\nabc\r\n");
    connection.write("4\r\ndefg\r\n0\r\nX-Late: yes\r\n\r\n");
  });
  BlockingClient client;
  const auto answer = client.send(get(server.url("/")));
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->body.text() == "abcdefg");
  CHECK(answer->header("Link").empty());
  CHECK(answer->header("X-Late").empty());
}

TEST_CASE("a redirect is an answer and is not followed") {
  RawServer server([](RawConnection& connection) {
    while (connection.read_request()) {
      connection.write("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    }
  });
  BlockingClient client;
  const auto answer = client.send(get(server.url("/")));
  REQUIRE(answer.has_value());
  CHECK(answer->status == 302);
  CHECK(answer->header("location") == "/elsewhere");
}

TEST_CASE("kept-alive connections are used again") {
  RawServer server(always(200, "ok"));
  SUBCASE("by the loop") {
    const auto loop = ClientLoop::start();
    for (int i = 0; i < 20; ++i) REQUIRE(send_and_wait(*loop, get(server.url("/"))).has_value());
    CHECK(server.connections() == 1);
  }
  SUBCASE("by the blocking client") {
    BlockingClient client;
    for (int i = 0; i < 20; ++i) REQUIRE(client.send(get(server.url("/"))).has_value());
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("many calls run at once, each gets its own answer, and the connections per host are bounded") {
  std::atomic<int> at_once = 0;
  std::atomic<int> most_at_once = 0;
  RawServer server([&](RawConnection& connection) {
    while (const auto request = connection.read_request()) {
      const int now = ++at_once;
      for (int most = most_at_once; most < now && !most_at_once.compare_exchange_weak(most, now);) continue;
      std::this_thread::sleep_for(milliseconds(20));
      --at_once;
      connection.answer(200, request->substr(0, request->find(" HTTP")));
    }
  });
  constexpr int kCalls = 300;
  const auto loop = ClientLoop::start();
  std::latch left(kCalls);
  std::atomic<int> right = 0;
  loop->post([&] {
    for (int i = 0; i < kCalls; ++i) {
      const std::string path = "/" + std::to_string(i);
      loop->send(get(server.url(path)), [&, path](Result<Answer> answer) {
        if (answer && answer->body.text() == "GET " + path) ++right;
        left.count_down();
      });
    }
  });
  left.wait();
  CHECK(right == kCalls);
  CHECK(most_at_once > 8);
  CHECK(server.connections() <= 64);
}

TEST_CASE("a call that takes longer than its timeout fails and leaves the others alone") {
  std::promise<void> release;
  const auto released = release.get_future().share();
  RawServer server([&](RawConnection& connection) {
    while (const auto request = connection.read_request()) {
      if (request->find("/slow") != std::string::npos) released.wait();
      connection.answer(200, "");
    }
  });
  const auto loop = ClientLoop::start();
  Call slow = get(server.url("/slow"));
  slow.timeout = milliseconds(200);
  const auto start = BootClock::now();
  const auto answer = send_and_wait(*loop, std::move(slow));
  const auto taken = elapsed_since(start);
  REQUIRE(!answer.has_value());
  CHECK(answer.error().kind == ErrorKind::unavailable);
  CHECK(answer.error().message.find(server.authority()) != std::string::npos);
  CHECK(taken >= milliseconds(190));
  CHECK(taken < milliseconds(4500));  // less than the usual timeout
  CHECK(send_and_wait(*loop, get(server.url("/quick"))).has_value());
  release.set_value();
}

TEST_CASE("calls that wait for a connection to their host time out too") {
  std::promise<void> release;
  const auto released = release.get_future().share();
  RawServer server([&](RawConnection& connection) {
    static_cast<void>(connection.read_request());
    released.wait();
  });
  constexpr int kCalls = 200;  // more than the connections that a host gets
  const auto loop = ClientLoop::start();
  std::latch left(kCalls);
  std::atomic<int> unavailable = 0;
  std::vector<std::chrono::nanoseconds> taken;  // the loop's
  loop->post([&, start = BootClock::now()] {
    for (int i = 0; i < kCalls; ++i) {
      Call call = get(server.url("/"));
      call.timeout = milliseconds(3000);
      loop->send(std::move(call), [&, start](const Result<Answer>& answer) {
        taken.push_back(elapsed_since(start));
        if (!answer && answer.error().kind == ErrorKind::unavailable) ++unavailable;
        left.count_down();
      });
    }
  });
  left.wait();
  CHECK(unavailable == kCalls);
  // Together, and not one timeout after the other.
  const auto [first, last] = std::minmax_element(taken.begin(), taken.end());
  CHECK(last->count() < first->count() * 19 / 10);
  release.set_value();
}

TEST_CASE("an answer over the limit is refused while it arrives") {
  std::atomic<bool> cut_off = false;
  RawServer server([&](RawConnection& connection) {
    static_cast<void>(connection.read_request());
    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
    for (int i = 0; i < 1000 && !cut_off; ++i) cut_off = !connection.write(chunk);
  });
  Call call = get(server.url("/"));
  call.most_answer_bytes = 100'000;
  const auto loop = ClientLoop::start();
  const auto answer = send_and_wait(*loop, std::move(call));
  REQUIRE(!answer.has_value());
  CHECK(answer.error().kind == ErrorKind::corrupt);
  for (int i = 0; i < 500 && !cut_off; ++i) std::this_thread::sleep_for(milliseconds(10));
  CHECK(cut_off);
}

TEST_CASE("an answer of exactly the limit is taken") {
  RawServer server(always(200, "12345678"));
  BlockingClient client;
  Call call = get(server.url("/"));
  call.most_answer_bytes = 8;
  CHECK(client.send(call).has_value());
  call.most_answer_bytes = 7;
  const auto answer = client.send(call);
  REQUIRE(!answer.has_value());
  CHECK(answer.error().kind == ErrorKind::corrupt);
}

TEST_CASE("endless headers are refused") {
  RawServer server([](RawConnection& connection) {
    static_cast<void>(connection.read_request());
    connection.write("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100'000; ++i) {
      if (!connection.write("X-More: and more and more and more\r\n")) return;
    }
  });
  BlockingClient client;
  const auto answer = client.send(get(server.url("/")));
  REQUIRE(!answer.has_value());
  CHECK(answer.error().kind == ErrorKind::corrupt);
}

TEST_CASE("a broken answer is no answer") {
  const std::map<std::string, std::string> broken = {
      {"closed before a byte", ""},
      {"closed in the head", "HTTP/1.1 200 OK\r\nContent-Le"},
      {"closed in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"},
      {"closed in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"},
      {"not HTTP", "hello there\r\n\r\n"},
      {"not a length", "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nbody"}};
  const auto loop = ClientLoop::start();
  for (const auto& [name, bytes] : broken) {
    const auto& shown_name = name;
    CAPTURE(shown_name);
    RawServer server([&, &answer_bytes = bytes](RawConnection& connection) {
      static_cast<void>(connection.read_request());
      connection.write(answer_bytes);
    });
    const auto answer = send_and_wait(*loop, get(server.url("/")));
    REQUIRE(!answer.has_value());
    CHECK(answer.error().kind == ErrorKind::unavailable);
    CHECK(answer.error().message.find("no answer from " + server.authority()) == 0);
  }
}

TEST_CASE("a refused connection says which host and port") {
  std::string authority;
  {
    const RawServer gone([](RawConnection&) {});
    authority = gone.authority();
  }
  BlockingClient client;
  const auto answer = client.send(get("http://" + authority + "/"));
  REQUIRE(!answer.has_value());
  CHECK(answer.error().kind == ErrorKind::unavailable);
  CHECK(answer.error().message.find(authority) != std::string::npos);
  CHECK(answer.error().message.find("connect") != std::string::npos);
}

TEST_CASE("a request is never sent twice, though the kept-alive connection broke before the answer") {
  for (const std::string method : {"GET", "POST", "DELETE"}) {
    for (const bool reset : {false, true}) {
      CAPTURE(method);
      CAPTURE(reset);
      std::atomic<int> requests = 0;
      RawServer server([&](RawConnection& connection) {
        while (connection.read_request()) {
          // The second request is read and dies with its connection; a further one would be answered.
          if (++requests == 2) {
            if (reset) connection.reset_on_close();
            return;
          }
          connection.answer(200, "");
        }
      });
      const auto make_call = [&] {
        Call call = get(server.url("/"));
        call.method = method;
        if (method == "POST") call.body = SecretBytes::copy_of("one-time");
        return call;
      };
      const auto check = [&](const Result<Answer>& first, const Result<Answer>& second) {
        CHECK(first.has_value());
        REQUIRE(!second.has_value());
        CHECK(second.error().kind == ErrorKind::unavailable);
        CHECK(requests == 2);
      };
      SUBCASE("by the loop") {
        const auto loop = ClientLoop::start();
        const auto first = send_and_wait(*loop, make_call());
        const auto second = send_and_wait(*loop, make_call());
        check(first, second);
        CHECK(send_and_wait(*loop, make_call()).has_value());
      }
      SUBCASE("by the blocking client") {
        BlockingClient client;
        const auto first = client.send(make_call());
        const auto second = client.send(make_call());
        check(first, second);
        CHECK(client.send(make_call()).has_value());
      }
    }
  }
}

TEST_CASE("a connection that the server closed while it was idle costs no call") {
  RawServer server([](RawConnection& connection) {
    static_cast<void>(connection.read_request());
    connection.answer(200, "");
  });
  const auto loop = ClientLoop::start();
  for (int i = 0; i < 5; ++i) {
    CHECK(send_and_wait(*loop, get(server.url("/"))).has_value());
    while (server.closed() == i) std::this_thread::sleep_for(milliseconds(1));
  }
  CHECK(server.connections() == 5);
}

TEST_CASE("what cannot be sent is refused before anything goes out") {
  RawServer server(always(200, ""));
  const auto loop = ClientLoop::start();
  std::map<std::string, Call> calls;
  calls["not a URL"] = get("http://");
  calls["no scheme's"] = get("gopher://127.0.0.1/");
  calls["a file"] = get("file:///etc/passwd");
  calls["a user"] = get("http://me:secret@" + server.authority() + "/");
  calls["a line break in the URL"] = get(server.url("/a\r\nX: y"));
  calls["a space in the URL"] = get(server.url("/a b"));
  calls["https without a CA"] = get("https://" + server.authority() + "/");
  calls["HTTPS without a CA"] = get("HTTPS://" + server.authority() + "/");
  calls["a line break in a header"] = get(server.url("/"));
  calls["a line break in a header"].headers = {{"X-A", "b\r\nX-C: d"}};
  calls["no header name"] = get(server.url("/"));
  calls["no header name"].headers = {{"", "b"}};
  calls["no method"] = get(server.url("/"));
  calls["no method"].method = "";
  calls["a line break in the type"] = get(server.url("/"));
  calls["a line break in the type"].content_type = "text/plain\n";
  calls["a certificate that is not there"] = get("https://" + server.authority() + "/");
  calls["a certificate that is not there"].tls = std::make_shared<TlsClientConfig>(
      TlsClientConfig{"/nowhere/a.crt", "/nowhere/a.key", "/etc/passwd", ""});
  calls["a CA that is not there"] = get("https://" + server.authority() + "/");
  calls["a CA that is not there"].tls =
      std::make_shared<TlsClientConfig>(TlsClientConfig{"", "", "/nowhere/ca.crt", "1.3"});
  for (auto& [name, call] : calls) {
    const auto& shown_name = name;
    CAPTURE(shown_name);
    const auto answer = send_and_wait(*loop, std::move(call));
    REQUIRE(!answer.has_value());
    CHECK(answer.error().kind == ErrorKind::invalid);
    CHECK(answer.error().message.find("secret") == std::string::npos);
  }
}
