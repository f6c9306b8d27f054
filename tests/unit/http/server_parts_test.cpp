// The server's small parts that need no socket.
#include <cstring>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>

#include "http/address_limits.h"
#include "http/deadlines.h"
#include "http/log_budget.h"
#include "http/message.h"
#include "http/peer_address.h"
#include "http/reply_sink.h"
#include "http/response_writer.h"

namespace dske::http {
namespace {

using std::chrono::milliseconds;

sockaddr_storage address_of(const char* text) {
  sockaddr_storage storage{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    storage.ss_family = AF_INET;
  } else {
    REQUIRE(inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
    storage.ss_family = AF_INET6;
  }
  return storage;
}

TEST_CASE("limits count IPv4 addresses, IPv6 networks of one host, and mapped addresses as what they map") {
  const auto key = [](const char* text) { return limited_address(address_of(text)); };
  CHECK(key("192.0.2.1") != key("192.0.2.2"));
  CHECK(key("::ffff:192.0.2.1") == key("192.0.2.1"));
  CHECK(key("2001:db8::1") == key("2001:db8::ffff:1"));
  CHECK(key("2001:db8::1") != key("2001:db8:0:1::1"));
  CHECK(numeric_address(address_of("192.0.2.1")) == "192.0.2.1");
  CHECK(numeric_address(address_of("::ffff:192.0.2.1")) == "192.0.2.1");
  CHECK(numeric_address(address_of("2001:DB8::1")) == "2001:db8::1");
}

TEST_CASE("places are limited in all and per address, and come back") {
  AddressLimits limits(3, 2);
  auto first = limits.take("a");
  auto second = limits.take("a");
  CHECK(second.has_value());
  CHECK_FALSE(limits.take("a").has_value());
  auto third = limits.take("b");
  CHECK(third.has_value());
  CHECK_FALSE(limits.take("c").has_value());
  first.reset();
  CHECK(limits.taken() == 2);
  CHECK(limits.take("a").has_value());
}

TEST_CASE("deadlines pass in the order of their times, whatever their kinds") {
  Deadlines deadlines({milliseconds(5), milliseconds(10), milliseconds(30), milliseconds(120),
                       milliseconds(30), milliseconds(2)});
  const Deadlines::Time start = Deadlines::Clock::now();
  const auto a = deadlines.add(1);
  const auto b = deadlines.add(2);
  CHECK_FALSE(deadlines.next().has_value());
  deadlines.set(a, Wait::keep_alive, start);
  deadlines.set(b, Wait::body, start);
  CHECK(deadlines.next()->connection == 2);
  deadlines.set(a, Wait::head, start + milliseconds(1));
  CHECK(deadlines.next()->connection == 1);
  CHECK(deadlines.next()->time == start + milliseconds(11));
  CHECK(Deadlines::waiting_for(a) == Wait::head);
  deadlines.clear(a);
  CHECK_FALSE(Deadlines::waiting_for(a).has_value());
  CHECK(deadlines.next()->connection == 2);
  deadlines.remove(b);
  CHECK_FALSE(deadlines.next().has_value());
  deadlines.set(a, Wait::linger, start);
  deadlines.set(a, Wait::linger, start + milliseconds(1));
  CHECK(deadlines.next()->time == start + milliseconds(3));
  deadlines.remove(a);
}

TEST_CASE("the log takes a few lines per second and counts the others") {
  LogBudget budget;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) CHECK(budget.spend(start) == 0);
  for (int i = 0; i < 7; ++i) CHECK_FALSE(budget.spend(start).has_value());
  CHECK(budget.spend(start + milliseconds(1001)) == 7);
}

TEST_CASE("an answer's head carries what the server owes and what the handler adds") {
  Response response;
  response.status = 503;
  response.body = SecretBytes::copy_of(std::string_view("{}"));
  response.headers = {{"Retry-After", "1"},
                      {"content-length", "99"},
                      {"Connection", "x"},
                      {"X-Split", "a\r\nEvil: b"},
                      {"Bad Name", "x"}};
  const SecretBytes head = response_head(response, {.date = "today"});
  CHECK(head.text() ==
        "HTTP/1.1 503 Service Unavailable\r\nDate: today\r\nContent-Type: "
        "application/json\r\nContent-Length: 2\r\n"
        "Retry-After: 1\r\nCache-Control: no-store\r\n\r\n");
  CHECK(response_head(response, {.close = true, .date = ""}).text().find("Connection: close\r\n") !=
        std::string::npos);
  CHECK(
      response_head(response, {.is_http_1_0 = true, .date = ""}).text().find("Connection: keep-alive\r\n") !=
      std::string::npos);
}

TEST_CASE("an answer without a body announces none, and a handler may set Cache-Control") {
  Response response;
  response.status = 204;
  response.headers = {{"cache-control", "max-age=5"}};
  CHECK(response_head(response, {.date = "today"}).text() ==
        "HTTP/1.1 204 No Content\r\nDate: today\r\ncache-control: max-age=5\r\n\r\n");
}

TEST_CASE("dates are written as RFC 9110 wants them") {
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("headers are found in any case, a message is escaped into JSON") {
  Request request;
  request.headers = {{"Content-Type", "text/plain"}, {"content-type", "second"}};
  CHECK(request.header("CONTENT-TYPE") == "text/plain");
  CHECK(request.header("Accept").empty());
  CHECK(message_response(400, "a \"b\"").body.text() == R"({"message":"a \"b\""})");
}

TEST_CASE("a Reply answers exactly once: by send, or with 500 when it is destroyed or replaced") {
  struct Sink final : Reply::Sink {
    explicit Sink(std::vector<int>& statuses) : statuses_(statuses) {}
    void send(Response response, Reply::Written) override { statuses_.push_back(response.status); }
    std::vector<int>& statuses_;
  };
  std::vector<int> statuses;
  {
    Reply reply(std::make_unique<Sink>(statuses));
    reply.send(message_response(200, ""));
    Reply moved(std::move(reply));
  }
  CHECK(statuses == std::vector<int>{200});
  {
    Reply reply(std::make_unique<Sink>(statuses));
    reply = Reply(std::make_unique<Sink>(statuses));
    CHECK(statuses == std::vector<int>{200, 500});
  }
  CHECK(statuses == std::vector<int>{200, 500, 500});
}

}  // namespace
}  // namespace dske::http
