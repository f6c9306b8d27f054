// Calls between peers, whose certificates are all for clients: who is spoken to, and the connection's own
// secret.
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "http/client.h"
#include "http/server.h"
#include "http/test_certificates.h"

namespace dske::http {
namespace {

using namespace test;  // NOLINT

struct Peers {
  TestCertificates authority;
  Identity alice = authority.issue({{{"CN", "alice"}}, ""});
  Identity bob = authority.issue({{{"CN", "bob"}}, ""});
  std::shared_ptr<const SecretBytes> seen = nullptr;
  int requests = 0;
  std::string caller = {};
  std::unique_ptr<Server> server;

  explicit Peers(const std::string& label) {
    ServerConfig config;
    config.name = "bob";
    config.tls = TlsServerConfig{bob.certificate_file, bob.key_file, {authority.ca_file()}, {}, label};
    auto started = Server::start(config, {{"GET", "/", [this](const Request& request, Reply reply) {
                                             ++requests;
                                             seen = request.tls_exported;
                                             caller = request.identity->common_name;
                                             reply.send({200, "application/json", {}, {}});
                                           }}});
    REQUIRE(started.has_value());
    server = std::move(*started);
  }

  Result<Answer> call(ClientLoop& loop, const std::string& whom, const std::string& label,
                      const std::vector<std::string>& crl_files = {}) {
    auto tls = std::make_shared<TlsClientConfig>(
        TlsClientConfig{alice.certificate_file, alice.key_file, authority.ca_file(), "1.3"});
    tls->crl_files = crl_files;
    tls->peer_refusal = [whom](const PeerIdentity& identity) {
      return identity.common_name == whom ? std::string() : "it is " + identity.common_name;
    };
    tls->exporter_label = label;
    Call call;
    call.url = "https://127.0.0.1:" + std::to_string(server->port()) + "/";
    call.tls = std::move(tls);
    std::promise<Result<Answer>> promise;
    loop.post([&loop, &promise, call = std::move(call)]() mutable {
      loop.send(std::move(call), [&promise](Result<Answer> answer) { promise.set_value(std::move(answer)); });
    });
    return promise.get_future().get();
  }
};

}  // namespace

TEST_CASE("a peer is called by who it is, and both ends export the same secret, once per connection") {
  Peers peers("EXPORTER-test");
  const auto loop = ClientLoop::start();
  const auto first = peers.call(*loop, "bob", "EXPORTER-test");
  REQUIRE_MESSAGE(first.has_value(), (first ? "" : first.error().message));
  REQUIRE(peers.seen != nullptr);
  CHECK(first->tls_exported.size() == 48);
  CHECK(constant_time_equal(first->tls_exported.view(), peers.seen->view()));
  const auto again = peers.call(*loop, "bob", "EXPORTER-test");
  REQUIRE(again.has_value());
  CHECK(constant_time_equal(first->tls_exported.view(), again->tls_exported.view()));
  const auto other_loop = ClientLoop::start();
  const auto other = peers.call(*other_loop, "bob", "EXPORTER-test");
  REQUIRE(other.has_value());
  CHECK_FALSE(constant_time_equal(first->tls_exported.view(), other->tls_exported.view()));
}

TEST_CASE("somebody else's certificate is refused before anything is sent") {
  Peers peers("EXPORTER-test");
  const auto loop = ClientLoop::start();
  REQUIRE(peers.call(*loop, "bob", "").has_value());
  const auto refused = peers.call(*loop, "carol", "");  // also over the connection that is open already
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::unauthenticated);
  CHECK(refused.error().message.find("it is bob") != std::string::npos);
  CHECK(peers.requests == 1);
}

TEST_CASE("a peer whose certificate is revoked is not spoken to, also over a connection from before") {
  Peers peers("EXPORTER-test");
  const auto loop = ClientLoop::start();
  const std::string list = peers.authority.write_crl({peers.alice});
  const auto before = peers.call(*loop, "bob", "", {list});
  REQUIRE_MESSAGE(before.has_value(), (before ? "" : before.error().message));
  REQUIRE(peers.authority.write_crl({peers.bob}) == list);
  Result<Answer> answer = peers.call(*loop, "bob", "", {list});
  for (int i = 0; i < 100 && answer; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    answer = peers.call(*loop, "bob", "", {list});
  }
  REQUIRE_FALSE(answer.has_value());
  CHECK_MESSAGE(answer.error().message.find("revoked") != std::string::npos, answer.error().message);
}

TEST_CASE("a revocation list that is missing, or of another authority, lets nobody through") {
  Peers peers("EXPORTER-test");
  TestCertificates other("another authority");
  const auto loop = ClientLoop::start();
  const auto missing = peers.call(*loop, "bob", "", {"/nowhere/ca.crl"});
  REQUIRE_FALSE(missing.has_value());
  CHECK_MESSAGE(missing.error().message.find("/nowhere/ca.crl") != std::string::npos,
                missing.error().message);
  CHECK_FALSE(peers.call(*loop, "bob", "", {other.write_crl({})}).has_value());
  CHECK(peers.requests == 0);
}

TEST_CASE("once the own certificate is another one, connections from before are not used again") {
  Peers peers("EXPORTER-test");
  const auto loop = ClientLoop::start();
  REQUIRE(peers.call(*loop, "bob", "").has_value());
  CHECK(peers.caller == "alice");
  const Identity renewed = peers.authority.issue({{{"CN", "alice renewed"}}, ""});
  std::filesystem::rename(renewed.key_file, peers.alice.key_file);
  std::filesystem::rename(renewed.certificate_file, peers.alice.certificate_file);
  for (int i = 0; i < 100 && peers.caller == "alice"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    REQUIRE(peers.call(*loop, "bob", "").has_value());
  }
  CHECK(peers.caller == "alice renewed");
}

TEST_CASE("without a label nothing is exported") {
  Peers peers("");
  const auto loop = ClientLoop::start();
  const auto answer = peers.call(*loop, "bob", "");
  REQUIRE(answer.has_value());
  CHECK(answer->tls_exported.empty());
  CHECK(peers.seen == nullptr);
}

}  // namespace dske::http
