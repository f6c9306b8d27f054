#include "manager/pki.h"

#include <ctime>
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/percent_encoding.h"
#include "base/temporary_directory.h"

using namespace dske;
using namespace dske::manager;

namespace {

Certificate certificate_in(const std::filesystem::path& file) {
  auto pem = read_file(file, 65536);
  REQUIRE_MESSAGE(pem.has_value(), file.string());
  auto certificate = Certificate::from_pem(pem->text());
  REQUIRE(certificate.has_value());
  return std::move(*certificate);
}

mode_t mode_of(const std::filesystem::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

Subject kme(const std::string& name, const std::string& address) {
  return {CertificateKind::kme, name, address};
}
Subject sae(const std::string& id) {
  return {CertificateKind::sae, id, {}};
}

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("the CA is made once, with a private key of mode 0600") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().value_or(false));
  const std::string first = certificate_in(pki.ca_file()).serial();
  CHECK_FALSE(pki.init().value_or(true));
  CHECK(certificate_in(pki.ca_file()).serial() == first);
  CHECK(mode_of(pki.ca_key_file()) == 0600);
  CHECK(mode_of(directory.path() / "pki") == 0700);
}

TEST_CASE("a KME's certificate is for its name, localhost and its addresses, and for a server alone") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().has_value());
  REQUIRE(pki.issue({kme("carol", "192.0.2.7"), kme("celia", "127.0.0.1"), kme("cindy", "2001:DB8::1"),
                     kme("open", "0.0.0.0")})
              .has_value());
  const Certificate ca = certificate_in(pki.ca_file());
  const Certificate carol = certificate_in(pki.certificate_file(CertificateKind::kme, "carol"));
  CHECK(carol.common_name() == "carol");
  CHECK(carol.alternative_names() ==
        std::vector<std::string>{"DNS:localhost", "DNS:carol", "IP:127.0.0.1", "IP:192.0.2.7"});
  CHECK(carol.verify(ca, CertificateUse::server).has_value());
  CHECK_FALSE_MESSAGE(carol.verify(ca, CertificateUse::client).has_value(), "it must not pass for an SAE");
  CHECK(certificate_in(pki.certificate_file(CertificateKind::kme, "celia")).alternative_names() ==
        std::vector<std::string>{"DNS:localhost", "DNS:celia", "IP:127.0.0.1"});
  CHECK(certificate_in(pki.certificate_file(CertificateKind::kme, "cindy")).alternative_names().back() ==
        "IP:2001:db8::1");
  CHECK(certificate_in(pki.certificate_file(CertificateKind::kme, "open")).alternative_names().back() ==
        "IP:127.0.0.1");
  CHECK(mode_of(pki.key_file(CertificateKind::kme, "carol")) == 0600);
}

TEST_CASE("an SAE's certificate names it by CN up to 64 characters, by URI beyond") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().has_value());
  const Certificate ca = certificate_in(pki.ca_file());
  const std::vector<std::string> short_ids = {
      "carol", ".", "..", "a/b", "gate 7, \"Bern\"; CN=x + é 日本", std::string(64, 'x'), repeated("日", 64)};
  const std::vector<std::string> long_ids = {std::string(65, 'x'), repeated("日", 65), std::string(512, '%'),
                                             std::string(291, 'f') + "/"};
  for (const std::string& id : short_ids) {
    CAPTURE(id);
    REQUIRE(pki.issue({sae(id)}).has_value());
    const Certificate issued = certificate_in(pki.certificate_file(CertificateKind::sae, id));
    CHECK(issued.common_name() == id);
    CHECK(issued.alternative_names().empty());
    CHECK(issued.verify(ca, CertificateUse::client).has_value());
    CHECK_FALSE(issued.verify(ca, CertificateUse::server).has_value());
  }
  for (const std::string& id : long_ids) {
    CAPTURE(id);
    REQUIRE(pki.issue({sae(id)}).has_value());
    const Certificate issued = certificate_in(pki.certificate_file(CertificateKind::sae, id));
    CHECK(issued.common_name().empty());
    CHECK(issued.alternative_names() == std::vector<std::string>{"URI:sae:" + percent_encode(id)});
    CHECK(issued.verify(ca, CertificateUse::client).has_value());
  }
}

TEST_CASE("an SAE's files stay in their directory, have a bounded name and are each SAE's own") {
  CHECK(sae_file_stem("carol") == "carol");
  CHECK(sae_file_stem("a/b c") == "a%2Fb%20c");
  CHECK(sae_file_stem("../../etc/passwd") == "..%2F..%2Fetc%2Fpasswd");
  const std::string long_stem = sae_file_stem(std::string(512, '/'));
  CHECK(long_stem.size() + 4 <= 255);
  CHECK(long_stem.find('/') == std::string::npos);
  CHECK(sae_file_stem(std::string(300, 'a') + "1") != sae_file_stem(std::string(300, 'a') + "2"));
}

TEST_CASE("only certificates that are not in order are issued anew") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().has_value());
  const std::vector<Subject> subjects = {kme("carol", "127.0.0.1"), sae("carol"), sae("sam")};
  const auto first = pki.issue_missing(subjects);
  REQUIRE(first.has_value());
  CHECK(first->size() == 3);
  const auto second = pki.issue_missing(subjects);
  REQUIRE(second.has_value());
  CHECK(second->empty());

  SUBCASE("another address") {
    const auto moved = pki.issue_missing({kme("carol", "192.0.2.7"), sae("carol")});
    REQUIRE(moved.has_value());
    REQUIRE(moved->size() == 1);
    CHECK(moved->front().title() == "kme/carol");
  }
  SUBCASE("a key that is not the certificate's") {
    std::filesystem::copy_file(pki.key_file(CertificateKind::sae, "sam"),
                               pki.key_file(CertificateKind::sae, "carol"),
                               std::filesystem::copy_options::overwrite_existing);
    const auto mended = pki.issue_missing(subjects);
    REQUIRE(mended.has_value());
    REQUIRE(mended->size() == 1);
    CHECK(mended->front().title() == "sae/carol");
  }
  SUBCASE("a damaged file") {
    REQUIRE(write_file_atomically(pki.certificate_file(CertificateKind::sae, "sam"), as_bytes("x"), 0600)
                .has_value());
    const auto listed = pki.list(subjects);
    REQUIRE(listed.has_value());
    CHECK(listed->at(0).title == "ca");
    CHECK(listed->at(1).problem.empty());
    CHECK(listed->at(3).problem.find("not a certificate") != std::string::npos);
    CHECK(pki.issue_missing(subjects).value_or(std::vector<Subject>()).size() == 1);
  }
  SUBCASE("another CA") {
    std::filesystem::remove(pki.ca_file());
    REQUIRE(pki.init().value_or(false));
    CHECK(pki.issue_missing(subjects).value_or(std::vector<Subject>()).size() == 3);
  }
  SUBCASE("without the CA's key nothing can be issued, and nothing needs to be") {
    std::filesystem::remove(pki.ca_key_file());
    CHECK(pki.issue_missing(subjects).has_value());
    const auto failed = pki.issue_missing({sae("new")});
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().message.find("ca.key") != std::string::npos);
  }
}

TEST_CASE("renewing gives a new key and serial number") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().has_value());
  REQUIRE(pki.issue({sae("carol")}).has_value());
  const auto file = pki.certificate_file(CertificateKind::sae, "carol");
  const Certificate before = certificate_in(file);
  REQUIRE(pki.issue({sae("carol")}).has_value());
  CHECK(certificate_in(file).serial() != before.serial());
  auto key = read_file(pki.key_file(CertificateKind::sae, "carol"), 65536);
  REQUIRE(key.has_value());
  auto parsed = PrivateKey::from_pem(key->text());
  REQUIRE(parsed.has_value());
  CHECK(certificate_in(file).belongs_to(*parsed));
  CHECK_FALSE(before.belongs_to(*parsed));
}

TEST_CASE("an expired certificate is found, and so is one that another CA issued") {
  auto ca_key = PrivateKey::generate();
  auto other_key = PrivateKey::generate();
  REQUIRE(ca_key.has_value());
  REQUIRE(other_key.has_value());
  auto ca = Certificate::make_ca("one", *ca_key, std::chrono::hours(24));
  auto other = Certificate::make_ca("two", *other_key, std::chrono::hours(24));
  REQUIRE(ca.has_value());
  REQUIRE(other.has_value());
  CertificateRequest request;
  request.common_name = "sam";
  auto good = ca->issue(*ca_key, *other_key, request, std::chrono::hours(1));
  auto expired = ca->issue(*ca_key, *other_key, request, std::chrono::hours(0));
  REQUIRE(good.has_value());
  REQUIRE(expired.has_value());
  CHECK(good->verify(*ca, CertificateUse::client).has_value());
  CHECK_FALSE(good->verify(*other, CertificateUse::client).has_value());
  const auto verified = expired->verify(*ca, CertificateUse::client);
  REQUIRE_FALSE(verified.has_value());
  CHECK(verified.error().message == "certificate has expired");
}

TEST_CASE("a revoked certificate is in the list, shown as such, and replaced when asked for") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().has_value());
  const std::vector<Subject> subjects = {kme("carol", "127.0.0.1"), sae("carol"), sae("sam")};
  REQUIRE(pki.issue(subjects).has_value());
  const Certificate ca = certificate_in(pki.ca_file());
  const std::string serial = certificate_in(pki.certificate_file(CertificateKind::sae, "sam")).serial();
  const auto list_now = [&] {
    auto pem = read_file(pki.crl_file(), 65536);
    REQUIRE(pem.has_value());
    auto list = RevocationList::from_pem(pem->text());
    REQUIRE(list.has_value());
    CHECK(list->is_of(ca));
    return std::move(*list);
  };
  CHECK(list_now().serials().empty());

  REQUIRE(pki.revoke({sae("sam")}, {"0ABC"}).has_value());
  CHECK(list_now().contains(serial));
  CHECK(list_now().contains("abc"));
  CHECK(list_now().serials().size() == 2);
  const auto listed = pki.list(subjects);
  REQUIRE(listed.has_value());
  CHECK(listed->at(2).problem.empty());
  CHECK(listed->at(3).problem == "it is revoked");

  const auto replaced = pki.issue_missing(subjects);
  REQUIRE(replaced.has_value());
  REQUIRE(replaced->size() == 1);
  CHECK(replaced->front().title() == "sae/sam");
  REQUIRE(pki.revoke({}, {"1234"}).has_value());
  CHECK(list_now().contains(serial));
  CHECK_FALSE(
      list_now().contains(certificate_in(pki.certificate_file(CertificateKind::sae, "sam")).serial()));
  REQUIRE(pki.revoke({}, {serial}).has_value());
  CHECK(list_now().serials().size() == 3);
}

TEST_CASE("a revocation list is valid on a host whose clock is behind") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().has_value());
  const auto begins_before = [&](std::time_t time) {
    auto pem = read_file(pki.crl_file(), 65536);
    REQUIRE(pem.has_value());
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
        BIO_new_mem_buf(pem->text().data(), static_cast<int>(pem->text().size())), BIO_free_all);
    const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(
        PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr), X509_CRL_free);
    REQUIRE(list != nullptr);
    return X509_cmp_time(X509_CRL_get0_lastUpdate(list.get()), &time) < 0;
  };
  CHECK(begins_before(std::time(nullptr) - 3500));
  REQUIRE(pki.revoke({}, {"1234"}).has_value());
  CHECK(begins_before(std::time(nullptr) - 3500));
}

TEST_CASE("what cannot be revoked changes nothing") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().has_value());
  REQUIRE(pki.issue({sae("sam")}).has_value());
  const auto before = read_file(pki.crl_file(), 65536);
  CHECK(pki.revoke({sae("sam"), sae("nobody")}, {}).error().kind == ErrorKind::not_found);
  CHECK(pki.revoke({sae("sam")}, {"xyz"}).error().message.find("xyz") != std::string::npos);
  CHECK(pki.revoke({sae("sam")}, {""}).error().kind == ErrorKind::invalid);
  CHECK(read_file(pki.crl_file(), 65536)->text() == before->text());

  std::filesystem::remove(pki.ca_key_file());
  CHECK(pki.revoke({sae("sam")}, {}).error().message.find("CA's key") != std::string::npos);
  CHECK(pki.init().has_value());
}

TEST_CASE("a revocation list that is missing is made anew only if that is asked for") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  REQUIRE(pki.init().has_value());
  std::filesystem::remove(pki.crl_file());
  CHECK(pki.init().error().message.find("ca.crl is missing") != std::string::npos);
  CHECK_FALSE(pki.issue_missing({sae("sam")}).has_value());
  CHECK(pki.init(Pki::MissingList::make_an_empty_one).has_value());
  CHECK(pki.issue_missing({sae("sam")}).has_value());
}

TEST_CASE("a revocation list that is damaged, or another CA's, is an error and no empty list") {
  const test::TemporaryDirectory directory;
  const Pki pki(directory.path() / "pki");
  const Pki other(directory.path() / "other");
  REQUIRE(pki.init().has_value());
  REQUIRE(other.init().has_value());
  std::filesystem::copy_file(other.crl_file(), pki.crl_file(),
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(pki.init().error().message.find("ca.crl") != std::string::npos);
  CHECK_FALSE(pki.issue_missing({sae("sam")}).has_value());
  REQUIRE(write_file_atomically(pki.crl_file(), as_bytes(std::string_view("nothing")), 0600).has_value());
  CHECK(pki.init().error().message.find("ca.crl") != std::string::npos);
}
