#include "http/framer.h"

#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "http/framed_requests.h"

namespace dske::http {
namespace {

constexpr FramerLimits kLimits{256, 8, 64};

FramedRequests whole(std::string_view text, FramerLimits limits = kLimits) {
  return frame(as_bytes(text), limits, [&] { return text.size(); });
}

/// The outcome, after checking that it is the same for every cut in two and byte by byte.
FramedRequests framed(std::string_view text, FramerLimits limits = kLimits) {
  const FramedRequests expected = whole(text, limits);
  CHECK(frame(as_bytes(text), limits, [] { return std::size_t{1}; }) == expected);
  for (std::size_t first = 1; first < text.size(); ++first) {
    std::size_t next = first;
    const FramedRequests cut =
        frame(as_bytes(text), limits, [&] { return std::exchange(next, text.size()); });
    CHECK_MESSAGE(cut == expected, "cut after " << first << " bytes");
  }
  return expected;
}

int refusal_of(std::string_view text, FramerLimits limits = kLimits) {
  return framed(text, limits).refusal_status;
}

std::string get(std::string_view headers) {
  return "GET / HTTP/1.1\r\n" + std::string(headers) + "\r\n";
}
std::string post(std::string_view headers_and_body) {
  return "POST /k HTTP/1.1\r\nHost: a\r\n" + std::string(headers_and_body);
}

TEST_CASE("a request's line, headers and body are taken apart") {
  const FramedRequests result = framed(
      "POST /keys/b%2Fc/enc_keys?number=1&size=256 HTTP/1.1\r\nHost: kme.example:8100\r\nX-Empty:\r\n"
      "X-Padded: \t two words \t\r\nContent-Length: 5\r\n\r\nhello");
  REQUIRE(result.requests.size() == 1);
  CHECK(result.requests[0] ==
        "POST /keys/b%2Fc/enc_keys ? number=1&size=256 1.1 keep-alive\nHost=kme.example:8100\nX-Empty=\n"
        "X-Padded=two words\nContent-Length=5\n\nhello");
  CHECK(result.state == Framer::State::head);
  CHECK_FALSE(result.started);
}

TEST_CASE("pipelined requests come out one after the other, an empty line between them is skipped") {
  const FramedRequests result = framed(
      "GET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\nPUT /b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxGET /c");
  REQUIRE(result.requests.size() == 2);
  CHECK(result.requests[0].substr(0, 6) == "GET /a");
  CHECK(result.requests[1].substr(0, 6) == "PUT /b");
  CHECK(result.started);
}

TEST_CASE("a chunked body is joined; its extensions and trailers are dropped") {
  const FramedRequests result =
      framed(post("Transfer-Encoding: Chunked\r\n\r\n5;name=\"v\"\r\nhello\r\n001\r\n "
                  "\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n"));
  REQUIRE(result.requests.size() == 1);
  CHECK(result.requests[0].ends_with("\n\nhello 0123456789"));
}

TEST_CASE("persistence follows the version and the Connection header") {
  CHECK(framed(get("Host: a\r\n")).requests.at(0).starts_with("GET / ?  1.1 keep-alive"));
  CHECK(framed(get("Host: a\r\nConnection: Upgrade, Close\r\n"))
            .requests.at(0)
            .starts_with("GET / ?  1.1 close"));
  CHECK(framed("GET / HTTP/1.0\r\n\r\n").requests.at(0).starts_with("GET / ?  1.0 close"));
  CHECK(framed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            .requests.at(0)
            .starts_with("GET / ?  1.0 keep-alive"));
}

TEST_CASE("an absolute target is served by its path; its authority must be one") {
  CHECK(framed("GET http://kme:80/x?y HTTP/1.1\r\nHost: kme\r\n\r\n")
            .requests.at(0)
            .starts_with("GET /x ? y 1.1"));
  CHECK(
      framed("GET HTTPS://kme?y HTTP/1.1\r\nHost: kme\r\n\r\n").requests.at(0).starts_with("GET / ? y 1.1"));
  CHECK(refusal_of("GET http:///x HTTP/1.1\r\nHost: kme\r\n\r\n") == 400);
  CHECK(refusal_of("GET http://user@kme/ HTTP/1.1\r\nHost: kme\r\n\r\n") == 400);
  CHECK(refusal_of("GET ftp://kme/ HTTP/1.1\r\nHost: kme\r\n\r\n") == 400);
}

TEST_CASE("the target * is for OPTIONS alone") {
  CHECK(framed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").requests.size() == 1);
  CHECK(refusal_of("GET * HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("request lines that are not METHOD TARGET VERSION are refused") {
  for (const std::string_view line :
       {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET / a HTTP/1.1",
        "GET /\tHTTP/1.1", "G(T / HTTP/1.1", "GET x HTTP/1.1", "GET /%4 HTTP/1.1", "GET /%zz HTTP/1.1",
        "GET /# HTTP/1.1", "GET /\xc3\xa4 HTTP/1.1", "GET / http/1.1", "GET / HTTP/1.10", "GET / HTTP/11",
        "GET / HTTP/1,1"}) {
    CHECK_MESSAGE(refusal_of(std::string(line) + "\r\nHost: a\r\n\r\n") == 400, line);
  }
  CHECK(refusal_of("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("other versions get 505, methods of another kind 501") {
  CHECK(refusal_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
  CHECK(refusal_of("PRI * HTTP/2.0\r\n\r\n") == 505);
  CHECK(refusal_of("GET / HTTP/1.2\r\nHost: a\r\n\r\n") == 505);
  CHECK(refusal_of("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
  CHECK(refusal_of("METHODSWITHMORETHANTHIRTYTWOBYTES / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
}

TEST_CASE("Host must occur once in HTTP/1.1 and be a host") {
  CHECK(refusal_of(get("")) == 400);
  CHECK(refusal_of(get("Host: a\r\nhost: a\r\n")) == 400);
  for (const std::string_view host : {"", "a b", "a,b", "a/b", "u@a", "a\"b"}) {
    CHECK_MESSAGE(refusal_of(get("Host: " + std::string(host) + "\r\n")) == 400, host);
  }
  CHECK(refusal_of(get("Host: [::1]:8443\r\n")) == 0);
  CHECK(refusal_of("GET / HTTP/1.0\r\n\r\n") == 0);
}

TEST_CASE("headers on which parsers disagree are refused") {
  for (const std::string_view header : {"Bad : x", "Folded: 1\r\n 2", "Folded: 1\r\n\t2", "No colon",
                                        ": no name", "Na me: x", "X: a\x01z", "X: a\x7fz"}) {
    CHECK_MESSAGE(refusal_of(get("Host: a\r\n" + std::string(header) + "\r\n")) == 400, header);
  }
  CHECK(refusal_of(get(std::string_view("Host: a\r\nX: a\0b\r\n", 18))) == 400);
}

TEST_CASE("bare CR and bare LF are refused wherever a line ends") {
  CHECK(refusal_of("GET / HTTP/1.1\nHost: a\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\nHost: a\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\nHost: a\r\n\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\rHost: a\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n") == 400);
  CHECK(refusal_of(post("Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n")) == 400);
  CHECK(refusal_of(post("Transfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n")) == 400);
}

TEST_CASE("a Content-Length that is not exactly one number is refused") {
  for (const std::string_view length :
       {"abc", "5x", "+5", "-5", "0x5", "5 5", "5,5", "5, 5", "", "5.0", "5;"}) {
    CHECK_MESSAGE(refusal_of(post("Content-Length: " + std::string(length) + "\r\n\r\nhello")) == 400,
                  length);
  }
  CHECK(refusal_of(post("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")) == 400);
  CHECK(refusal_of(post("Content-Length: 00000000000000000000000005\r\n\r\nhello")) == 0);
}

TEST_CASE("a message with both or odd framings is refused") {
  CHECK(refusal_of(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) == 400);
  CHECK(refusal_of(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) == 400);
  for (const std::string_view coding :
       {"gzip", "gzip, chunked", "chunked, chunked", "xchunked", "identity", ""}) {
    CHECK_MESSAGE(refusal_of(post("Transfer-Encoding: " + std::string(coding) + "\r\n\r\n0\r\n\r\n")) == 501,
                  coding);
  }
  CHECK(refusal_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(refusal_of("POST / HTTP/1.0\r\n\r\n") == 411);
  CHECK(framed(post("\r\n")).requests.at(0).ends_with("\n\n"));
}

TEST_CASE("chunks that are not exactly what they announce are refused") {
  for (const std::string_view body :
       {"5 \r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n", "4\r\nhello\r\n0\r\n\r\n", "6\r\nhello\r\n0\r\n\r\n",
        "000000005\r\nhello\r\n0\r\n\r\n", "5;\x01\r\nhello\r\n0\r\n\r\n", "0\r\nbad trailer\r\n\r\n"}) {
    CHECK_MESSAGE(refusal_of(post("Transfer-Encoding: chunked\r\n\r\n" + std::string(body))) == 400, body);
  }
}

TEST_CASE("limits admit exactly what they say") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const std::string fits = head + std::string(256 - head.size() - 4, 'x') + "\r\n\r\n";
  CHECK(fits.size() == 256);
  CHECK(refusal_of(fits) == 0);
  CHECK(refusal_of(head + std::string(256 - head.size() - 3, 'x') + "\r\n\r\n") == 431);
  CHECK(refusal_of("GET /" + std::string(300, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 414);

  std::string headers = "Host: a\r\n";
  for (int i = 0; i < 7; ++i) headers += "X: y\r\n";
  CHECK(refusal_of(get(headers)) == 0);
  CHECK(refusal_of(get(headers + "X: y\r\n")) == 431);

  const std::string body(64, 'b');
  CHECK(refusal_of(post("Content-Length: 64\r\n\r\n" + body)) == 0);
  CHECK(refusal_of(post("Content-Length: 65\r\n\r\n" + body + "b")) == 413);
  CHECK(refusal_of(post("Content-Length: 18446744073709551617\r\n\r\n")) == 413);
  CHECK(refusal_of(post("Transfer-Encoding: chunked\r\n\r\n40\r\n" + body + "\r\n0\r\n\r\n")) == 0);
  CHECK(refusal_of(post("Transfer-Encoding: chunked\r\n\r\n40\r\n" + body + "\r\n1\r\nx\r\n0\r\n\r\n")) ==
        413);
  CHECK(refusal_of(post("Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n")) == 413);
}

TEST_CASE("a chunked body's extensions and trailers are bounded in all") {
  std::string chunks = "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 3; ++i) chunks += "1;" + std::string(99, 'e') + "\r\nx\r\n";
  CHECK(refusal_of(post(chunks + "0\r\n\r\n")) == 400);
  CHECK(refusal_of(post("Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300, 'e') +
                        "\r\nx\r\n0\r\n\r\n")) == 400);
  CHECK(refusal_of(post("Transfer-Encoding: chunked\r\n\r\n0\r\nT: " + std::string(300, 't') + "\r\n\r\n")) ==
        431);
}

TEST_CASE("encoded bodies get 415, unknown expectations 417") {
  CHECK(refusal_of(post("Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx")) == 415);
  CHECK(refusal_of(post("Content-Encoding: identity\r\nContent-Length: 1\r\n\r\nx")) == 0);
  CHECK(refusal_of(post("Expect: miracles\r\nContent-Length: 1\r\n\r\nx")) == 417);
}

TEST_CASE("100 Continue is due once, while the body is missing") {
  const std::string head = post("Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  Framer framer(kLimits);
  framer.feed(as_bytes(head));
  CHECK(framer.take_continue());
  CHECK_FALSE(framer.take_continue());
  framer.feed(as_bytes("ab"));
  CHECK(framer.state() == Framer::State::complete);

  Framer eager(kLimits);
  eager.feed(as_bytes(head + "a"));
  CHECK_FALSE(eager.take_continue());

  Framer empty(kLimits);
  empty.feed(as_bytes(post("Expect: 100-continue\r\nContent-Length: 0\r\n\r\n")));
  CHECK_FALSE(empty.take_continue());
}

}  // namespace
}  // namespace dske::http
