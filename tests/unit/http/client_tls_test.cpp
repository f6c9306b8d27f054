// Whom the client trusts, and as whom it speaks.
#include <future>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "http/client.h"
#include "http/raw_server.h"
#include "http/test_certificates.h"
#include "http/test_server.h"

namespace dske::http {
namespace {

using namespace test;  // NOLINT
using namespace std::string_view_literals;

// An authority with a server for localhost and two clients.
struct Parties {
  TestCertificates authority;
  Identity server = authority.issue({{{"CN", "server"}}, "DNS:localhost"});
  Identity alice = authority.issue({{{"CN", "alice"}}, ""});
  Identity bob = authority.issue({{{"CN", "bob"}}, ""});

  [[nodiscard]] TlsServerConfig server_config() const {
    return {server.certificate_file, server.key_file, {authority.ca_file()}, {}};
  }
  [[nodiscard]] std::shared_ptr<const TlsClientConfig> as(const Identity& who) const {
    return std::make_shared<TlsClientConfig>(
        TlsClientConfig{who.certificate_file, who.key_file, authority.ca_file(), ""});
  }
};

Call echo(std::uint16_t port, std::shared_ptr<const TlsClientConfig> tls) {
  Call call;
  call.method = "POST";
  call.url = "https://localhost:" + std::to_string(port) + "/echo/x";
  call.body = SecretBytes::copy_of("body");
  call.tls = std::move(tls);
  return call;
}

Result<Answer> send_and_wait(ClientLoop& loop, Call call) {
  std::promise<Result<Answer>> promise;
  auto future = promise.get_future();
  loop.post([&loop, &promise, call = std::move(call)]() mutable {
    loop.send(std::move(call), [&promise](Result<Answer> answer) { promise.set_value(std::move(answer)); });
  });
  return future.get();
}

void check_refused(const Result<Answer>& answer) {
  REQUIRE(!answer.has_value());
  CHECK(answer.error().kind == ErrorKind::unavailable);
  CHECK(answer.error().message.find("no answer from localhost:") == 0);
}

TEST_CASE("the files of a client can be checked before anything is called, and tell whom they name") {
  const Parties parties;
  const TlsClientConfig good{parties.alice.certificate_file, parties.alice.key_file,
                             parties.authority.ca_file(), ""};
  const auto own = check_client_files(good);
  REQUIRE_MESSAGE(own.has_value(), (own ? "" : own.error().message));
  CHECK(own->common_name == "alice");
  const auto refusal = [](const TlsClientConfig& tls) {
    const auto checked = check_client_files(tls);
    REQUIRE_FALSE(checked.has_value());
    return checked.error().message;
  };
  TlsClientConfig bad = good;
  bad.key_file = parties.bob.key_file;
  CHECK(refusal(bad).starts_with("the key file " + bad.key_file));
  bad.key_file = "/nowhere/key.pem";
  CHECK(refusal(bad) == "the key file /nowhere/key.pem cannot be used: No such file or directory");
  bad = good;
  bad.certificate_file = parties.alice.key_file;
  CHECK(refusal(bad).starts_with("the certificate file "));
  bad = good;
  bad.ca_file = parties.alice.key_file;
  CHECK(refusal(bad).starts_with("the CA file "));
  bad = good;
  bad.crl_files = {parties.authority.ca_file()};
  CHECK(refusal(bad).starts_with("the CRL file "));
}

TEST_CASE("a call speaks as its certificate's holder, and a connection is not lent to another's") {
  const Parties parties;
  TestServer server({}, parties.server_config());
  const auto loop = ClientLoop::start();
  BlockingClient blocking;
  for (int round = 0; round < 3; ++round) {
    for (const auto& [identity, name] : {std::pair{&parties.alice, "alice"}, {&parties.bob, "bob"}}) {
      const auto answer = send_and_wait(*loop, echo(server.port(), parties.as(*identity)));
      REQUIRE_MESSAGE(answer.has_value(), answer.error().message);
      CHECK(answer->body.text() == "body");
      CHECK(answer->header("X-Subject").find(name) != std::string_view::npos);
      const auto again = blocking.send(echo(server.port(), parties.as(*identity)));
      REQUIRE(again.has_value());
      CHECK(again->header("X-Subject").find(name) != std::string_view::npos);
    }
  }
}

TEST_CASE("a server of another authority or another name is not spoken to") {
  const Parties parties;
  const TestCertificates strangers;
  BlockingClient client;
  SUBCASE("another authority") {
    TestServer server({}, parties.server_config());
    auto tls = std::make_shared<TlsClientConfig>(*parties.as(parties.alice));
    tls->ca_file = strangers.ca_file();
    check_refused(client.send(echo(server.port(), tls)));
    CHECK(server.last_identity() == nullptr);
    // The same client is served once it trusts the right one.
    CHECK(client.send(echo(server.port(), parties.as(parties.alice))).has_value());
    check_refused(client.send(echo(server.port(), tls)));
  }
  SUBCASE("another name") {
    Parties others;
    others.server = others.authority.issue({{{"CN", "localhost"}}, "DNS:other.example"});
    TestServer server({}, others.server_config());
    check_refused(client.send(echo(server.port(), others.as(others.alice))));
    CHECK(server.last_identity() == nullptr);
  }
}

TEST_CASE("a server that wants a certificate does not answer a client without one") {
  const Parties parties;
  TestServer server({}, parties.server_config());
  auto tls = std::make_shared<TlsClientConfig>();
  tls->ca_file = parties.authority.ca_file();
  BlockingClient client;
  check_refused(client.send(echo(server.port(), tls)));
}

TEST_CASE("a key that does not belong to the certificate is refused before a word is sent") {
  const Parties parties;
  TestServer server({}, parties.server_config());
  auto tls = std::make_shared<TlsClientConfig>(*parties.as(parties.alice));
  tls->key_file = parties.bob.key_file;
  BlockingClient client;
  const auto answer = client.send(echo(server.port(), tls));
  REQUIRE(!answer.has_value());
  CHECK(answer.error().kind == ErrorKind::invalid);
}

TEST_CASE("TLS 1.2 is offered unless 1.3 is the least") {
  // The extension supported_versions of the ClientHello (RFC 8446, 4.2.1): its type, its length, the list.
  constexpr auto kBoth = "\x00\x2b\x00\x05\x04\x03\x04\x03\x03"sv;
  constexpr auto kOnly13 = "\x00\x2b\x00\x03\x02\x03\x04"sv;
  const Parties parties;
  for (const std::string least : {"", "1.2", "1.3"}) {
    CAPTURE(least);
    std::promise<std::string> hello;
    RawServer server([&](RawConnection& connection) { hello.set_value(connection.read_some()); });
    auto tls = std::make_shared<TlsClientConfig>(*parties.as(parties.alice));
    tls->least_version = least;
    BlockingClient client;
    Call call = echo(server.port(), tls);
    call.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
    CHECK(!client.send(call).has_value());
    const std::string bytes = hello.get_future().get();
    CHECK((bytes.find(kBoth) != std::string::npos) == (least != "1.3"));
    CHECK((bytes.find(kOnly13) != std::string::npos) == (least == "1.3"));
  }
}

}  // namespace
}  // namespace dske::http
