// Whom a server trusts while it runs: renewed certificates, revoked ones, other authorities, handshakes in
// their turn.
#include <array>
#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "http/raw_client.h"
#include "http/server.h"
#include "http/test_certificates.h"
#include "http/test_server.h"
#include "http/tls_source.h"

namespace dske::http {
namespace {

using namespace test;  // NOLINT
using std::chrono::milliseconds;
using std::chrono::seconds;

void put(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
}

/// A server's files, with names that stay while their contents change.
struct Files {
  Files() {
    use_server(certificates.issue({{{"CN", "server"}}, "DNS:localhost"}));
    trust({&certificates});
  }
  void use_server(const Identity& identity) {
    put(identity.certificate_file, config.certificate_file);
    put(identity.key_file, config.key_file);
  }
  void trust(const std::vector<const TestCertificates*>& authorities) {
    std::ofstream out(config.client_ca_files.at(0));
    for (const TestCertificates* authority : authorities) out << std::ifstream(authority->ca_file()).rdbuf();
  }
  Identity client(const std::string& name) { return certificates.issue({{{"CN", name}}, ""}); }

  TestCertificates certificates;
  TlsServerConfig config{certificates.directory() / "server.crt",
                         certificates.directory() / "server.key",
                         {certificates.directory() / "clients.crt"},
                         {}};
};

/// How a source sees time pass.
struct Ticking {
  explicit Ticking(TlsSource& ticked) : source(ticked) {}
  void seconds(int count) {
    for (int i = 0; i < count; ++i) source.refresh(now += std::chrono::seconds(1));
  }
  TlsSource& source;
  TlsSource::Time now = std::chrono::steady_clock::now();
};

/// While it lives, no file can be opened.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit none = before_;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

bool is_served(std::uint16_t port, const TestCertificates& server_authority, const Identity& identity) {
  RawClient client(port);
  TlsClientOptions options;
  options.identity = &identity;
  return client.start_tls(server_authority, options) && client.get("/small").status == 200;
}

TEST_CASE("files that change are loaded once they have been left alone for a second") {
  Files files;
  const auto source = TlsSource::open(files.config, "test");
  REQUIRE(source);
  Ticking ticking(**source);
  const auto first = (*source)->current();
  ticking.seconds(10);
  CHECK((*source)->current() == first);
  CHECK((*source)->generation() == 1);

  files.use_server(files.certificates.issue({{{"CN", "renewed"}}, "DNS:localhost"}));
  ticking.seconds(1);
  CHECK((*source)->current() == first);
  ticking.seconds(1);
  CHECK((*source)->current() != first);
  CHECK((*source)->current()->description().find("CN=renewed") != std::string::npos);
  CHECK((*source)->generation() == 2);
}

TEST_CASE("files that cannot be used leave what there was, until they can") {
  Files files;
  const auto source = TlsSource::open(files.config, "test");
  REQUIRE(source);
  Ticking ticking(**source);
  const auto first = (*source)->current();

  const Identity renewed = files.certificates.issue({{{"CN", "renewed"}}, "DNS:localhost"});
  put(renewed.certificate_file, files.config.certificate_file);  // the key is still the old one
  ticking.seconds(3);
  CHECK((*source)->current() == first);
  CHECK((*source)->generation() == 1);
  std::filesystem::remove(files.config.client_ca_files[0]);
  ticking.seconds(3);
  CHECK((*source)->current() == first);

  put(renewed.key_file, files.config.key_file);
  files.trust({&files.certificates});
  ticking.seconds(2);
  CHECK((*source)->current() != first);
}

TEST_CASE("files that could not be loaded for want of something else are tried again, and clients doubted") {
  Files files;
  const auto source = TlsSource::open(files.config, "test");
  REQUIRE(source);
  Ticking ticking(**source);
  const auto first = (*source)->current();
  files.use_server(files.certificates.issue({{{"CN", "renewed"}}, "DNS:localhost"}));
  ticking.seconds(1);
  {
    // Out of descriptors at the moment at which they are read, for example since a crowd has them.
    const NoDescriptors none;
    ticking.seconds(1);
    CHECK((*source)->current() == first);
  }
  ticking.seconds(60);
  CHECK((*source)->current()->description().find("CN=renewed") != std::string::npos);
  CHECK((*source)->generation() == 2);
}

TEST_CASE("a symbolic link that points elsewhere is another file") {
  Files files;
  const Identity renewed = files.certificates.issue({{{"CN", "renewed"}}, "DNS:localhost"});
  const std::filesystem::path link = files.certificates.directory() / "current";
  const std::filesystem::path next = files.certificates.directory() / "next";
  std::filesystem::create_directory(next);
  std::filesystem::create_directory(files.certificates.directory() / "before");
  put(files.config.certificate_file, files.certificates.directory() / "before" / "server.crt");
  put(files.config.key_file, files.certificates.directory() / "before" / "server.key");
  put(renewed.certificate_file, next / "server.crt");
  put(renewed.key_file, next / "server.key");
  std::filesystem::create_directory_symlink("before", link);
  files.config.certificate_file = link / "server.crt";
  files.config.key_file = link / "server.key";
  const auto source = TlsSource::open(files.config, "test");
  REQUIRE(source);
  std::filesystem::remove(link);
  std::filesystem::create_directory_symlink("next", link);
  Ticking ticking(**source);
  ticking.seconds(2);
  CHECK((*source)->current()->description().find("CN=renewed") != std::string::npos);
}

TEST_CASE("the keys of session tickets are replaced every hour, without doubt about the clients") {
  Files files;
  const auto source = TlsSource::open(files.config, "test");
  REQUIRE(source);
  const auto first = (*source)->current();
  const TlsSource::Time now = std::chrono::steady_clock::now();
  (*source)->refresh(now + std::chrono::minutes(59));
  CHECK((*source)->current() == first);
  (*source)->refresh(now + std::chrono::minutes(61));
  const auto second = (*source)->current();
  CHECK(second != first);
  CHECK((*source)->generation() == 1);
  (*source)->refresh(now + std::chrono::minutes(120));
  CHECK((*source)->current() == second);
}

TEST_CASE("a running server presents a renewed certificate to new connections and keeps those it has") {
  Files files;
  TestServer server({}, files.config);
  const Identity alice = files.client("alice");
  TlsClientOptions options;
  options.identity = &alice;
  RawClient old(server.port());
  REQUIRE(old.start_tls(files.certificates, options));
  REQUIRE(old.get("/small").status == 200);

  files.use_server(files.certificates.issue({{{"CN", "renewed"}}, "DNS:localhost"}));
  const auto presented = [&] {
    RawClient client(server.port());
    REQUIRE(client.start_tls(files.certificates, options));
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(client.ssl()),
                                                                  X509_free);
    std::array<char, 64> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
    return std::string(name.data());
  };
  CHECK(soon([&] { return presented() == "renewed"; }));
  CHECK(old.get("/small").status == 200);
  CHECK(old.get("/small").status == 200);
}

TEST_CASE("a revoked certificate is refused, also on a connection and a session that there were before") {
  Files files;
  const Identity alice = files.client("alice");
  const Identity bob = files.client("bob");
  files.config.client_crl_files = {files.certificates.write_crl({})};
  TestServer server({}, files.config);
  TlsClientOptions as_alice;
  as_alice.identity = &alice;
  TlsClientOptions as_bob;
  as_bob.identity = &bob;
  RawClient old_alice(server.port());
  RawClient old_bob(server.port());
  REQUIRE(old_alice.start_tls(files.certificates, as_alice));
  REQUIRE(old_bob.start_tls(files.certificates, as_bob));
  REQUIRE(old_alice.get("/small").status == 200);
  REQUIRE(old_bob.get("/small").status == 200);
  const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session(SSL_get1_session(old_alice.ssl()),
                                                                          SSL_SESSION_free);

  files.certificates.write_crl({alice});
  CHECK(soon([&] { return !is_served(server.port(), files.certificates, alice); }));
  CHECK(is_served(server.port(), files.certificates, bob));
  CHECK(old_bob.get("/small").status == 200);
  CHECK(old_alice.get("/small").status == 0);
  as_alice.resume = session.get();
  RawClient resuming(server.port());
  CHECK_FALSE((resuming.start_tls(files.certificates, as_alice) && resuming.get("/small").status == 200));
}

TEST_CASE("a list that is out of date, or none of a client's authority, refuses") {
  Files files;
  TestCertificates others("other authority");
  const Identity alice = files.client("alice");
  const Identity of_others = others.issue({{{"CN", "other"}}, ""});
  files.trust({&files.certificates, &others});
  {
    TestServer server({}, files.config);
    CHECK(is_served(server.port(), files.certificates, alice));
    CHECK(is_served(server.port(), files.certificates, of_others));
  }
  files.config.client_crl_files = {files.certificates.write_crl({})};
  {
    TestServer server({}, files.config);
    CHECK(is_served(server.port(), files.certificates, alice));
    CHECK_FALSE(is_served(server.port(), files.certificates, of_others));
  }
  files.certificates.write_crl({}, -10);
  TestServer server({}, files.config);
  CHECK_FALSE(is_served(server.port(), files.certificates, alice));
}

TEST_CASE("an intermediate authority that is trusted by itself needs a list of its own alone") {
  Files files;
  TestCertificates intermediate("intermediate authority", files.certificates);
  files.trust({&intermediate});
  const Identity alice = intermediate.issue({{{"CN", "alice"}}, ""});
  const Identity bob = intermediate.issue({{{"CN", "bob"}}, ""});
  files.config.client_crl_files = {intermediate.write_crl({})};
  SUBCASE("without one of its issuer") {}
  SUBCASE("with one of its issuer, too") {
    files.config.client_crl_files.push_back(files.certificates.write_crl({}));
  }
  TestServer server({}, files.config);
  TlsClientOptions options;
  options.identity = &alice;
  RawClient old(server.port());
  REQUIRE(old.start_tls(files.certificates, options));
  CHECK(old.get("/small").status == 200);
  CHECK(is_served(server.port(), files.certificates, bob));
  intermediate.write_crl({bob});
  CHECK(soon([&] { return !is_served(server.port(), files.certificates, bob); }));
  CHECK(is_served(server.port(), files.certificates, alice));
  CHECK(old.get("/small").status == 200);
}

TEST_CASE("an authority that is not trusted any more takes its clients' connections with it") {
  Files files;
  TestCertificates others("other authority");
  const Identity of_others = others.issue({{{"CN", "other"}}, ""});
  const Identity alice = files.client("alice");
  const std::string second_file = files.certificates.directory() / "second.crt";
  put(others.ca_file(), second_file);
  files.config.client_ca_files.push_back(second_file);
  TestServer server({}, files.config);
  TlsClientOptions options;
  options.identity = &of_others;
  RawClient old(server.port());
  REQUIRE(old.start_tls(files.certificates, options));
  REQUIRE(old.get("/small").status == 200);
  put(files.certificates.ca_file(), second_file);
  CHECK(soon([&] { return !is_served(server.port(), files.certificates, of_others); }));
  CHECK(old.get("/small").status == 0);
  CHECK(is_served(server.port(), files.certificates, alice));
}

TEST_CASE(
    "a certificate that is not valid yet is refused, and one that expires during a connection ends it") {
  Files files;
  TestServer server({}, files.config);
  const Identity early = files.certificates.issue({{{"CN", "early"}}, "", 7200, 3600});
  CHECK_FALSE(is_served(server.port(), files.certificates, early));

  const Identity late = files.certificates.issue({{{"CN", "late"}}, "", 5});
  TlsClientOptions options;
  options.identity = &late;
  RawClient client(server.port());
  REQUIRE(client.start_tls(files.certificates, options));
  REQUIRE(client.get("/small").status == 200);
  CHECK(soon([&] { return client.get("/small").status == 0; }));
}

TEST_CASE("a certificate without an end of its validity is served") {
  Files files;
  TestServer server({}, files.config);
  constexpr long kSevenThousandYears = 7000L * 365 * 86400;
  const Identity lasting = files.certificates.issue({{{"CN", "lasting"}}, "", kSevenThousandYears});
  CHECK(is_served(server.port(), files.certificates, lasting));
}

TEST_CASE("handshakes over the rate wait for their turn, and those for which it comes too late are refused") {
  Files files;
  ServerLimits limits;
  limits.handshakes_per_second_per_address = 4;
  limits.handshake_timeout = milliseconds(3000);
  TestServer server(limits, files.config, 1);
  const Identity alice = files.client("alice");
  // Who says nothing takes nobody's turn.
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(std::make_unique<RawClient>(server.port()));

  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      if (is_served(server.port(), files.certificates, alice)) ++served;
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto taken = std::chrono::steady_clock::now() - begun;
  // Four at once, and six within half of the time that a handshake may take; more if they came later.
  CHECK(served > 4);
  CHECK(served <= 11 + 4 * std::chrono::duration_cast<std::chrono::seconds>(taken).count());
}

/// Connects from another loopback address, 127.0.0.`host`.
std::unique_ptr<RawClient> client_from(std::uint32_t host, std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return std::make_unique<RawClient>(std::move(socket), port);
}

TEST_CASE("a lasting flood of handshakes over the rate leaves the others a part of it") {
  Files files;
  ServerLimits limits;
  limits.handshakes_per_second = 200;
  limits.handshakes_per_second_per_address = 150;
  limits.handshake_timeout = milliseconds(1000);
  TestServer server(limits, files.config, 1);
  const Identity alice = files.client("alice");

  std::atomic<bool> ended = false;
  std::vector<std::thread> flood;
  for (const std::uint32_t host : {2U, 3U}) {
    flood.emplace_back([&, host] {
      std::deque<std::unique_ptr<RawClient>> clients;
      while (!ended) {
        clients.push_back(client_from(host, server.port()));
        clients.back()->send(std::string("\x16\x03\x01\x00\x01\x01", 6));  // a whole first record
        if (clients.size() > 400) clients.pop_front();
        std::this_thread::sleep_for(milliseconds(3));
      }
    });
  }
  std::this_thread::sleep_for(milliseconds(4000));  // until nobody more can wait
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      while (served < 8 && std::chrono::steady_clock::now() < deadline) {
        if (is_served(server.port(), files.certificates, alice)) ++served;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ended = true;
  for (std::thread& thread : flood) thread.join();
  CHECK(served >= 8);
}

}  // namespace
}  // namespace dske::http
