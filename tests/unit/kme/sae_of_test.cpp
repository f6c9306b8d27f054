#include <doctest/doctest.h>

#include "kme/etsi_routes.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::sae;

KmeConfig serving(const std::vector<std::string>& saes) {
  KmeConfig config;
  for (const std::string& each : saes) config.encryptors.insert(sae(each));
  return config;
}

http::PeerIdentity named(std::string common_name, std::vector<std::string> uris = {}) {
  http::PeerIdentity identity;
  identity.common_name = std::move(common_name);
  identity.uris = std::move(uris);
  identity.subject = "CN=shown in the log";
  return identity;
}

void check_refused(const Result<SaeId>& result) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::forbidden);
}

TEST_CASE("a certificate speaks for the SAE that its common name says") {
  const auto found = sae_of(named("carol"), serving({"carol", "celia"}));
  REQUIRE(found.has_value());
  CHECK(*found == sae("carol"));
}

TEST_CASE("without a common name the only sae: URI counts, percent-decoded") {
  const auto found = sae_of(named("", {"sae:site%20A%2C%20gateway"}), serving({"site A, gateway"}));
  REQUIRE(found.has_value());
  CHECK(*found == sae("site A, gateway"));
}

TEST_CASE("a common name is not overruled by a URI") {
  check_refused(sae_of(named("stranger", {"sae:carol"}), serving({"carol"})));
  const auto found = sae_of(named("carol", {"sae:celia"}), serving({"carol", "celia"}));
  REQUIRE(found.has_value());
  CHECK(*found == sae("carol"));
}

TEST_CASE("a certificate that names no SAE of this KME is refused") {
  const KmeConfig config = serving({"carol"});
  check_refused(sae_of(named("celia"), config));
  check_refused(sae_of(named("CAROL"), config));
  check_refused(sae_of(named("carol "), config));
  check_refused(sae_of(named(""), config));
  check_refused(sae_of(named("", {"carol"}), config));
  check_refused(sae_of(named("", {"https://carol"}), config));
  check_refused(sae_of(named("", {"sae:"}), config));
  check_refused(sae_of(named("", {"sae:%zz"}), config));
  check_refused(sae_of(named("", {"sae:carol%00"}), config));
}

TEST_CASE("two URIs speak for nobody, even if both are served") {
  check_refused(sae_of(named("", {"sae:carol", "sae:celia"}), serving({"carol", "celia"})));
}

}  // namespace
}  // namespace dske::kme
