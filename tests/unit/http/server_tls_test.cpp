// Mutual TLS: who gets in, under which name, and what failed handshakes cost the others.
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/raw_client.h"
#include "http/server.h"
#include "http/test_certificates.h"
#include "http/test_server.h"

namespace dske::http {
namespace {

using namespace test;  // NOLINT
using std::chrono::milliseconds;

TestCertificates& certificates() {
  static TestCertificates instance;
  return instance;
}

const Identity& alice() {
  static const Identity identity =
      certificates().issue({{{"O", "Example"}, {"CN", "alice"}}, "DNS:alice.example"});
  return identity;
}

TlsServerConfig tls_config() {
  static const Identity identity = certificates().issue({{{"CN", "server"}}, "DNS:localhost"});
  return {identity.certificate_file, identity.key_file, {certificates().ca_file()}, {}};
}

/// Whether a client with these options is served.
bool is_served(TestServer& server, const TlsClientOptions& options) {
  RawClient client(server.port());
  return client.start_tls(certificates(), options) && client.get("/small").status == 200;
}

std::shared_ptr<const PeerIdentity> identity_seen(TestServer& server, const Identity& identity) {
  RawClient client(server.port());
  TlsClientOptions options;
  options.identity = &identity;
  REQUIRE(client.start_tls(certificates(), options));
  REQUIRE(client.send("POST /echo/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
  REQUIRE(client.read_answer().status == 200);
  return server.last_identity();
}

TEST_CASE("a client with a certificate of the authority is served, over TLS 1.2 and 1.3") {
  TestServer server({}, tls_config());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawClient client(server.port());
    TlsClientOptions options;
    options.identity = &alice();
    options.least_version = options.most_version = version;
    REQUIRE(client.start_tls(certificates(), options));
    CHECK(client.get("/small").body == "small");
    CHECK(client.get("/large").body.size() == TestServer::kLargeBytes);
    REQUIRE(client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
    REQUIRE(soon([&] { return server.late_requests() == 1; }));
    server.answer_late("late");
    CHECK(client.read_answer().body == "late");
    CHECK(SSL_CIPHER_is_aead(SSL_get_current_cipher(client.ssl())) == 1);
  }
}

TEST_CASE("clients without a certificate, of another authority, expired, or with an old TLS are not served") {
  TestServer server({}, tls_config());
  CHECK_FALSE(is_served(server, {}));

  TestCertificates others;
  const Identity mallory = others.issue({{{"CN", "alice"}}, ""});
  TlsClientOptions options;
  options.identity = &mallory;
  CHECK_FALSE(is_served(server, options));

  const Identity expired = certificates().issue({{{"CN", "alice"}}, "", -10});
  options.identity = &expired;
  CHECK_FALSE(is_served(server, options));

  options.identity = &alice();
  options.most_version = TLS1_1_VERSION;
  CHECK_FALSE(is_served(server, options));
  options.most_version = 0;
  CHECK(is_served(server, options));
}

TEST_CASE("a refused client is told why by an alert") {
  TestServer server({}, tls_config());
  RawClient client(server.port());
  TlsClientOptions options;
  options.most_version = TLS1_2_VERSION;
  CHECK_FALSE(client.start_tls(certificates(), options));
  const unsigned long error = ERR_peek_last_error();
  CHECK(ERR_GET_REASON(error) == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
}

TEST_CASE("a handler learns what the certificate says") {
  TestServer server({}, tls_config());
  const auto seen = identity_seen(server, alice());
  REQUIRE(seen);
  CHECK(seen->common_name == "alice");
  CHECK(seen->subject == "CN=alice,O=Example");
  CHECK(seen->dns_names == std::vector<std::string>{"alice.example"});
  CHECK(seen->uris.empty());
  CHECK(seen->sha256_fingerprint.size() == 64);
  CHECK(seen->sha256_fingerprint.find_first_not_of("0123456789abcdef") == std::string::npos);

  const Identity names = certificates().issue(
      {{{"CN", "J\xc3\xbcrgen"}}, "DNS:a.example,DNS:b.example,URI:sae:one,email:sae@example,IP:127.0.0.1"});
  const auto several = identity_seen(server, names);
  CHECK(several->common_name == "J\xc3\xbcrgen");
  CHECK(several->subject == "CN=J\xc3\xbcrgen");
  CHECK(several->dns_names == std::vector<std::string>{"a.example", "b.example"});
  CHECK(several->uris == std::vector<std::string>{"sae:one"});
  CHECK(several->emails == std::vector<std::string>{"sae@example"});
}

TEST_CASE("two common names are none, and so is one with a zero byte") {
  TestServer server({}, tls_config());
  const Identity two = certificates().issue({{{"CN", "alice"}, {"CN", "bob"}}, ""});
  CHECK(identity_seen(server, two)->common_name.empty());
  const Identity zero = certificates().issue({{{"CN", std::string("alice\0bob", 9)}}, ""});
  CHECK(identity_seen(server, zero)->common_name.empty());
  const Identity none = certificates().issue({{{"O", "Example"}}, "DNS:sae.example"});
  const auto seen = identity_seen(server, none);
  CHECK(seen->common_name.empty());
  CHECK(seen->dns_names == std::vector<std::string>{"sae.example"});
}

TEST_CASE("sessions are resumed with the client's certificate, over TLS 1.2 and 1.3") {
  TestServer server({}, tls_config());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientOptions options;
    options.identity = &alice();
    options.least_version = options.most_version = version;
    RawClient first(server.port());
    REQUIRE(first.start_tls(certificates(), options));
    REQUIRE(first.get("/small").status == 200);
    const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session(SSL_get1_session(first.ssl()),
                                                                            SSL_SESSION_free);
    RawClient second(server.port());
    options.resume = session.get();
    REQUIRE(second.start_tls(certificates(), options));
    CHECK(SSL_session_reused(second.ssl()) == 1);
    REQUIRE(second.send("POST /echo/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    CHECK(second.read_answer().has_header("X-Subject: CN=alice,O=Example"));
  }
}

TEST_CASE("a session does not resume at a server of another name") {
  TestServer server({}, tls_config());
  TlsClientOptions options;
  options.identity = &alice();
  RawClient first(server.port());
  REQUIRE(first.start_tls(certificates(), options));
  REQUIRE(first.get("/small").status == 200);
  const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session(SSL_get1_session(first.ssl()),
                                                                          SSL_SESSION_free);
  TestServer other({}, tls_config());
  RawClient second(other.port());
  options.resume = session.get();
  REQUIRE(second.start_tls(certificates(), options));
  CHECK(SSL_session_reused(second.ssl()) == 0);
  CHECK(second.get("/small").status == 200);
}

TEST_CASE("HTTP/1.1 is chosen when it is offered, also behind HTTP/2") {
  TestServer server({}, tls_config());
  TlsClientOptions options;
  options.identity = &alice();
  options.alpn = "\x02h2\x08http/1.1";
  RawClient client(server.port());
  REQUIRE(client.start_tls(certificates(), options));
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.ssl(), &chosen, &size);
  CHECK(std::string(reinterpret_cast<const char*>(chosen), size) == "http/1.1");
  CHECK(client.get("/small").status == 200);

  options.alpn = "\x02h2";
  CHECK(is_served(server, options));
}

TEST_CASE("handshakes that do not go on block nobody, and end in time") {
  ServerLimits limits;
  limits.handshake_timeout = milliseconds(3000);
  TestServer server(limits, tls_config(), 1);
  std::vector<std::unique_ptr<RawClient>> attackers;
  for (int i = 0; i < 60; ++i) {
    attackers.push_back(std::make_unique<RawClient>(server.port()));
    if (i % 2 == 0)
      attackers.back()->send(std::string_view("\x16\x03\x01\x01\x40\x01\x00\x01\x3c\x03\x03", 11));
  }
  TlsClientOptions options;
  options.identity = &alice();
  for (int i = 0; i < 5; ++i) CHECK(is_served(server, options));
  for (const auto& attacker : attackers) CHECK(attacker->ends_within(milliseconds(10000)));
  CHECK(is_served(server, options));
}

TEST_CASE("what is no TLS at all harms nobody") {
  TestServer server({}, tls_config());
  for (const std::string_view bytes :
       {"GET /small HTTP/1.1\r\nHost: a\r\n\r\n", "\x80\x2e\x01\x03\x01 old", "\n\n\n\n\n\n"}) {
    RawClient client(server.port());
    client.send(bytes);
    client.half_close();
    CHECK(client.read_to_end().find("HTTP/1.1") == std::string::npos);
  }
  TlsClientOptions options;
  options.identity = &alice();
  CHECK(is_served(server, options));
}

TEST_CASE("who says close_notify after the request still gets the answer, and a close_notify") {
  TestServer server({}, tls_config());
  TlsClientOptions options;
  options.identity = &alice();
  RawClient client(server.port());
  REQUIRE(client.start_tls(certificates(), options));
  REQUIRE(client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
  client.half_close();
  REQUIRE(soon([&] { return server.late_requests() == 1; }));
  server.answer_late("still here");
  CHECK(client.read_answer().body == "still here");
  CHECK(client.ends_within(milliseconds(5000)));
  CHECK((SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
}

TEST_CASE("a graceful stop says close_notify to idle clients") {
  TestServer server({}, tls_config());
  TlsClientOptions options;
  options.identity = &alice();
  RawClient client(server.port());
  REQUIRE(client.start_tls(certificates(), options));
  REQUIRE(client.get("/small").status == 200);
  server.server().stop(milliseconds(1000));
  CHECK(client.ends_within(milliseconds(5000)));
  CHECK((SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
}

TEST_CASE("a slow reader over TLS starves nobody and costs nothing while it waits") {
  TestServer server({}, tls_config(), 1);
  TlsClientOptions options;
  options.identity = &alice();
  RawClient slow(server.port());
  REQUIRE(slow.start_tls(certificates(), options));
  REQUIRE(slow.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  RawClient client(server.port());
  REQUIRE(client.start_tls(certificates(), options));
  for (int i = 0; i < 100; ++i) REQUIRE(client.get("/small").status == 200);
  CHECK(server.written() == 0);
  CHECK(slow.read_answer().body.size() == TestServer::kLargeBytes);
}

TEST_CASE("a server names the certificate file that it cannot use") {
  const auto error_of = [](const TlsServerConfig& tls) {
    ServerConfig config;
    config.name = "test";
    config.tls = tls;
    const auto started = Server::start(config, {});
    return started ? std::string() : started.error().message;
  };
  TlsServerConfig tls = tls_config();
  CHECK(error_of(tls).empty());
  tls.certificate_file = "/nowhere/server.crt";
  CHECK(error_of(tls).find("/nowhere/server.crt") != std::string::npos);
  tls = tls_config();
  tls.key_file = alice().key_file;
  CHECK(error_of(tls).find(alice().key_file) != std::string::npos);
  tls = tls_config();
  tls.client_ca_files = {tls.key_file};
  CHECK(error_of(tls).find(tls.key_file) != std::string::npos);
}

}  // namespace
}  // namespace dske::http
