#include "kme/sae_identity.h"

#include <doctest/doctest.h>

#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::sae;
using From = SaeIdentity::From;

std::set<SaeId> serving(const std::vector<std::string>& saes) {
  std::set<SaeId> all;
  for (const std::string& each : saes) all.insert(sae(each));
  return all;
}

SaeIdentity by(From from, std::string uri_prefix = "") {
  return {from, std::move(uri_prefix), {}};
}

http::PeerIdentity named(std::string common_name, std::vector<std::string> uris = {}) {
  http::PeerIdentity identity;
  identity.common_name = std::move(common_name);
  identity.uris = std::move(uris);
  return identity;
}

Result<SaeId> by_name(const http::PeerIdentity& identity, const std::vector<std::string>& served) {
  return sae_of(identity, {}, serving(served));
}

Result<SaeId> by_uri(const std::vector<std::string>& uris, const std::string& prefix,
                     const std::vector<std::string>& served) {
  return sae_of(named("carol", uris), by(From::san_uri, prefix), serving(served));
}

void check_refused(const Result<SaeId>& result) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::forbidden);
}

void check_found(const Result<SaeId>& result, const std::string& expected) {
  REQUIRE_MESSAGE(result.has_value(), result.error().message);
  CHECK(*result == sae(expected));
}

TEST_CASE("a certificate speaks for the SAE that its common name says") {
  check_found(by_name(named("carol"), {"carol", "celia"}), "carol");
}

TEST_CASE("without a common name the only sae: URI counts, percent-decoded") {
  check_found(by_name(named("", {"sae:site%20A%2C%20gateway"}), {"site A, gateway"}), "site A, gateway");
}

TEST_CASE("a common name is not overruled by a URI") {
  check_refused(by_name(named("stranger", {"sae:carol"}), {"carol"}));
  check_found(by_name(named("carol", {"sae:celia"}), {"carol", "celia"}), "carol");
}

TEST_CASE("a certificate that names no SAE of this KME is refused") {
  for (const std::string name : {"celia", "CAROL", "carol ", ""})
    check_refused(by_name(named(name), {"carol"}));
  for (const std::string uri : {"carol", "https://carol", "sae:", "sae:%zz", "sae:carol%00"})
    check_refused(by_name(named("", {uri}), {"carol"}));
}

TEST_CASE("two sae: URIs speak for nobody, even if both are served") {
  check_refused(by_name(named("", {"sae:carol", "sae:celia"}), {"carol", "celia"}));
  check_refused(by_name(named("", {"sae:carol", "https://somewhere"}), {"carol"}));
}

TEST_CASE(
    "by URI, the only one that is a served SAE counts, whole or without its prefix, and no common name") {
  check_found(by_uri({"urn:x:celia"}, "", {"urn:x:celia", "carol"}), "urn:x:celia");
  check_found(by_uri({"https://somewhere", "urn:x:site%20A"}, "urn:x:", {"site A", "carol"}), "site A");
  check_found(by_uri({"urn:x:stranger", "urn:x:celia"}, "urn:x:", {"celia"}), "celia");
  check_refused(by_uri({"urn:x:celia", "urn:x:carol"}, "urn:x:", {"celia", "carol"}));
  check_refused(by_uri({"urn:y:celia"}, "urn:x:", {"celia"}));
  check_refused(by_uri({"urn:x:%zz"}, "urn:x:", {"celia"}));
  check_refused(by_uri({}, "urn:x:", {"carol"}));
}

TEST_CASE("by DNS name or e-mail address, the only one that is a served SAE counts") {
  http::PeerIdentity identity = named("carol");
  identity.dns_names = {"gw1.example.net", "gw1"};
  identity.emails = {"gw2@example.net"};
  check_found(sae_of(identity, by(From::san_dns), serving({"gw1.example.net", "carol"})), "gw1.example.net");
  check_found(sae_of(identity, by(From::san_email), serving({"gw2@example.net", "carol"})),
              "gw2@example.net");
  check_refused(sae_of(identity, by(From::san_dns), serving({"gw1.example.net", "gw1"})));
  check_refused(sae_of(identity, by(From::san_dns), serving({"gw2@example.net", "carol"})));
  check_refused(sae_of(identity, by(From::san_email), serving({"gw1", "carol"})));
}

TEST_CASE("by fingerprint, no name in the certificate matters") {
  SaeIdentity settings = by(From::fingerprint);
  settings.fingerprints = {{"aa11", sae("carol")}, {"bb22", sae("carol")}, {"cc33", sae("celia")}};
  http::PeerIdentity identity = named("celia", {"sae:celia"});
  const auto served = serving({"carol", "celia"});
  identity.sha256_fingerprint = "bb22";
  check_found(sae_of(identity, settings, served), "carol");
  identity.sha256_fingerprint = "dd44";
  check_refused(sae_of(identity, settings, served));
  identity.sha256_fingerprint = "";
  check_refused(sae_of(identity, settings, served));
}

// --- reading the configuration ---------------------------------------------------------------------------

const std::string kDigits = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff";
const std::string kOtherDigits(64, 'f');

std::string with_colons(const std::string& digits) {
  std::string text;
  for (std::size_t i = 0; i < digits.size(); i += 2) text += (i == 0 ? "" : ":") + digits.substr(i, 2);
  return text;
}

Result<SaeIdentity> read(const std::string& text) {
  const auto root = yaml::parse(text, "kme.yaml");
  store::test::require_ok(root);
  yaml::MappingReader reader(*root);
  SaeIdentity settings = read_sae_identity(reader, serving({"carol", "celia"}));
  if (const auto fault = reader.finish()) return *fault;
  return settings;
}

TEST_CASE("without sae_id the common name counts") {
  const auto settings = read("{}");
  store::test::require_ok(settings);
  CHECK(settings->from == From::common_name);
}

TEST_CASE("fingerprints are read with and without colons, in either case") {
  const auto settings = read("sae_id:\n  from: fingerprint\n  fingerprints:\n    carol: [\"" +
                             with_colons(kDigits) + "\"]\n    celia: [\"" + kOtherDigits + "\"]\n");
  store::test::require_ok(settings);
  CHECK(settings->fingerprints.at("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff") ==
        sae("carol"));
  CHECK(settings->fingerprints.at(kOtherDigits) == sae("celia"));
}

TEST_CASE("settings for certificates that make no sense are refused") {
  const auto fingerprints = [](const std::string& carol, const std::string& more = "") {
    return "sae_id:\n  from: fingerprint\n  fingerprints:\n    carol: [" + carol + "]\n    celia: [\"" +
           kOtherDigits + "\"]\n" + more;
  };
  store::test::require_ok(read(fingerprints("\"" + kDigits + "\"")));
  for (const std::string& text :
       {std::string("sae_id: {from: serial_number}"), std::string("sae_id: {form: common_name}"),
        std::string("sae_id: {uri_prefix: \"urn:\"}"), std::string("sae_id: {from: san_dns, uri_prefix: x}"),
        std::string("sae_id: {from: fingerprint}"), std::string("sae_id: {from: san_dns, fingerprints: {}}"),
        std::string("sae_id: {from: fingerprint, fingerprints: {}}"), std::string("sae_id: common_name"),
        fingerprints(""), fingerprints("\"" + kDigits.substr(1) + "\""), fingerprints("\"" + kDigits + "0\""),
        fingerprints("\"" + with_colons(kDigits) + ":\""), fingerprints("\"g" + kDigits.substr(1) + "\""),
        fingerprints("\"" + kOtherDigits + "\""), fingerprints("\"" + kDigits + "\", \"" + kDigits + "\""),
        fingerprints("\"" + kDigits + "\"", "    mallory: [\"" + std::string(64, 'e') + "\"]\n")}) {
    CAPTURE(text);
    CHECK_FALSE(read(text).has_value());
  }
}

}  // namespace
}  // namespace dske::kme
