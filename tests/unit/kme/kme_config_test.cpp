#include "kme/kme_config.h"

#include <fstream>

#include <doctest/doctest.h>

#include "base/temporary_directory.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::require_ok;
using store::test::sae;

const std::string kWhole = R"(name: carol
state_dir: state
port: 8105
tls:
  certificate: tls/kme.crt
  key: /etc/kme.key
  client_ca: ca.crt
encryptors:
  - carol
  - "site A, gateway"
hubs:
  - name: hank
  - name: helen
    endpoint: http://192.0.2.1:8100
  - name: hilary
  - name: holly
)";

Result<KmeConfig> read(const std::string& text) {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "kme.yaml";
  std::ofstream(file) << text;
  auto config = read_kme_config(file);
  if (config) {
    // What counts from the file's directory is shown as if that were "/x".
    const auto shown = [&](const std::filesystem::path& path) {
      const std::string whole = path.string();
      const std::string prefix = directory.path().string();
      return whole.starts_with(prefix) ? "/x" + whole.substr(prefix.size()) : whole;
    };
    config->node.state_dir = shown(config->node.state_dir);
    config->tls.certificate_file = shown(config->tls.certificate_file);
    config->tls.key_file = shown(config->tls.key_file);
    for (std::string& path : config->tls.client_ca_files) path = shown(path);
  }
  return config;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

void check_fault(const std::string& text, const std::string& place, const std::string& reason) {
  const auto config = read(text);
  REQUIRE_FALSE(config.has_value());
  CAPTURE(config.error().message);
  CHECK(config.error().message.find("kme.yaml:" + place) != std::string::npos);
  CHECK(config.error().message.find(reason) != std::string::npos);
}

TEST_CASE("a KME's configuration is read with its defaults, its paths from the file's directory") {
  const auto config = read(kWhole);
  require_ok(config);
  CHECK(config->name.text() == "carol");
  CHECK(config->node.state_dir == "/x/state");
  CHECK(config->node.address == "127.0.0.1");
  CHECK(config->node.management_port == 9105);
  CHECK(config->tls.certificate_file == "/x/tls/kme.crt");
  CHECK(config->tls.key_file == "/etc/kme.key");
  CHECK(config->tls.client_ca_files == std::vector<std::string>{"/x/ca.crt"});
  CHECK(config->encryptors == std::set<SaeId>{sae("carol"), sae("site A, gateway")});
  CHECK(config->shares_required == 3);
  CHECK(config->least_shares_required == 3);
  CHECK(config->key_lifetime == std::chrono::hours(24));
  CHECK(config->limits.key_size_bits == 256);
  CHECK(config->limits.max_key_per_request == 128);
  CHECK(config->limits.max_key_size_bits == 65536);
}

std::string without_hubs() {
  return kWhole.substr(0, kWhole.find("hubs:"));
}

TEST_CASE("a KME that lists no hubs must say how many shares are required") {
  check_fault(without_hubs(), "1", "shares_required: is required where no hubs are listed");
  const auto config = read(without_hubs() + "shares_required: 3\n");
  require_ok(config);
  CHECK_FALSE(config->hubs_listed);
  CHECK(config->hubs.empty());
  CHECK(config->shares_required == 3);
  CHECK(config->least_shares_required == 3);
  CHECK_FALSE(config->join_from_psrd_in);
  CHECK(read(without_hubs() + "shares_required: 3\njoin_from_psrd_in: true\n")->join_from_psrd_in);
  check_fault(kWhole + "join_from_psrd_in: true\n", "17", "whose hubs are not listed");
}

TEST_CASE("the key store keeps what it is told, for masters that this KME serves") {
  const auto plain = read(kWhole);
  require_ok(plain);
  CHECK(plain->key_store == KeyStoreConfig{});
  const auto config = read(kWhole +
                           "key_store:\n  minimum_keys: 5\n  maximum_keys: 50\n  maximum_keys_in_all: 500\n"
                           "  demand_seconds: 7\n  idle_seconds: 8\n"
                           "  pairs:\n    - {master: carol, slave: celia}\n");
  require_ok(config);
  CHECK(config->key_store ==
        KeyStoreConfig{
            true, 5, 500, std::chrono::seconds(7), std::chrono::seconds(8), {{sae("carol"), sae("celia")}}});
  CHECK(config->limits.max_key_count == 50);
  CHECK_FALSE(read(kWhole + "key_store: {enabled: false}\n")->key_store.enabled);
  CHECK(read(kWhole + "key_store: {maximum_keys: 5}\n")->key_store.minimum_keys == 5);
  check_fault(kWhole + "key_store: {minimum_keys: 5, maximum_keys: 4}\n", "17", "minimum_keys");
  check_fault(kWhole + "key_store: {minimum: 5}\n", "17", "minimum");
  check_fault(kWhole + "key_store: {pairs: [{master: mallory, slave: celia}]}\n", "17",
              "not among encryptors");
  check_fault(kWhole + "key_store: {pairs: [{master: carol, slave: a}, {master: carol, slave: a}]}\n", "17",
              "is there twice");
  check_fault(kWhole + "key_store: {pairs: [{master: carol}]}\n", "17", "slave");
}

TEST_CASE("a KME makes its keys of what key_source says") {
  CHECK(read(kWhole)->key_source == KeySource::generator);
  CHECK(read(kWhole + "key_source: generator\n")->key_source == KeySource::generator);
  CHECK(read(kWhole + "key_source: psrd\n")->key_source == KeySource::psrd);
  check_fault(kWhole + "key_source: PSRD\n", "17", "key_source: must be generator or psrd");
}

TEST_CASE("what a KME's configuration sets overrides the defaults") {
  const auto config = read(kWhole +
                           "shares_required: 2\nleast_shares_required: 3\nkey_lifetime_seconds: 3600\n"
                           "key_size: 512\nlimits:\n  keys_per_request: 16\n  key_size: 1024\n");
  require_ok(config);
  CHECK(config->shares_required == 2);
  CHECK(config->least_shares_required == 3);
  CHECK(config->key_lifetime == std::chrono::hours(1));
  CHECK(config->limits.key_size_bits == 512);
  CHECK(config->limits.max_key_per_request == 16);
  CHECK(config->limits.max_key_size_bits == 1024);
}

TEST_CASE("a KME may trust several authorities, and heed their revocation lists") {
  const auto config =
      read(replaced(kWhole, "client_ca: ca.crt", "client_ca: [/a/1.crt, /a/2.crt]\n  client_crl: /a/1.crl"));
  require_ok(config);
  CHECK(config->tls.client_ca_files == std::vector<std::string>{"/a/1.crt", "/a/2.crt"});
  CHECK(config->tls.client_crl_files == std::vector<std::string>{"/a/1.crl"});
  CHECK_FALSE(read(replaced(kWhole, "client_ca: ca.crt", "client_ca: []")).has_value());
  CHECK_FALSE(read(replaced(kWhole, "  client_ca: ca.crt\n", "")).has_value());
}

TEST_CASE("a KME takes sixteen additional SAEs, or as many as its configuration says") {
  CHECK(read(kWhole)->limits.max_sae_id_count == 16);
  for (const std::uint32_t count : {0U, 1U, 255U}) {
    const auto config = read(kWhole + "limits: {additional_saes: " + std::to_string(count) + "}\n");
    require_ok(config);
    CHECK(config->limits.max_sae_id_count == count);
  }
  CHECK_FALSE(read(kWhole + "limits: {additional_saes: 256}\n").has_value());
  CHECK_FALSE(read(kWhole + "limits: {additional_saes: -1}\n").has_value());
}

TEST_CASE("the interface may have a second place, below a plain path") {
  CHECK(read(kWhole)->base_path.empty());
  for (const std::string path : {"/client/carol/etsi", "/x", "/a-b_c.d~e/F0", "/my/api"}) {
    const auto config = read(kWhole + "base_path: " + path + "\n");
    require_ok(config);
    CHECK(config->base_path == path);
  }
  for (const std::string path : {"x", "/", "/x/", "//x", "/x//y", "/x y", "/x%20", "/:x", "/*", "/x?y",
                                 "/../x", "/x/.", "/api", "/api/v1", "/é"}) {
    CAPTURE(path);
    check_fault(kWhole + "base_path: \"" + path + "\"\n", "17:12", "base_path");
  }
}

TEST_CASE("who calls and who may have keys together is read with the rest") {
  const auto config = read(kWhole +
                           "sae_id: {from: san_uri, uri_prefix: \"urn:sae:\"}\nself_paired: [carol]\n"
                           "allowed_pairs: [{master: carol, slaves: [celia]}]\n");
  require_ok(config);
  CHECK(config->sae_identity.from == SaeIdentity::From::san_uri);
  CHECK(config->sae_identity.uri_prefix == "urn:sae:");
  CHECK(config->pairs.self_paired(sae("carol")));
  CHECK(config->pairs.allows(sae("carol"), sae("celia")));
  CHECK_FALSE(config->pairs.allows(sae("celia"), sae("carol")));
  check_fault(kWhole + "sae_id: {from: serial}\n", "17:16", "from");
  check_fault(kWhole + "self_paired: [celia]\n", "17:14", "celia");
}

TEST_CASE("two hubs need both of their shares") {
  const auto config = read(replaced(kWhole, "  - name: hilary\n  - name: holly\n", ""));
  require_ok(config);
  CHECK(config->shares_required == 2);
}

TEST_CASE("a fault of a KME's configuration is told with its line and column") {
  check_fault(kWhole + "colour: blue\n", "17:1", "colour");
  check_fault(replaced(kWhole, "encryptors:", "  kee: x\nencryptors:"), "8:3", "kee");
  check_fault(replaced(kWhole, "  - carol\n", "  - \"\"\n"), "9:5", "SAE ID");
  check_fault(replaced(kWhole, "  - carol\n", "  - [carol]\n"), "9:5", "SAE ID");
  check_fault(replaced(kWhole, "  - carol\n", "  - \"site A, gateway\"\n"), "10:5", "twice");
  check_fault(replaced(kWhole, "name: helen", "name: hank"), "13:5", "twice");
  check_fault(replaced(kWhole, "http://192", "ftp://192"), "14:15", "endpoint");
  check_fault(replaced(kWhole, "port: 8105", "port: 0"), "3:7", "port");
}

TEST_CASE("a KME's configuration without what it needs is refused") {
  CHECK_FALSE(read(replaced(kWhole, "name: carol\n", "")).has_value());
  CHECK_FALSE(read(replaced(kWhole, "port: 8105\n", "")).has_value());
  CHECK_FALSE(read(replaced(kWhole, "  key: /etc/kme.key\n", "")).has_value());
  CHECK_FALSE(read(replaced(kWhole, "  - carol\n  - \"site A, gateway\"\n", "")).has_value());
  CHECK_FALSE(read(kWhole.substr(0, kWhole.find("hubs:"))).has_value());
  CHECK_FALSE(read(kWhole.substr(0, kWhole.find("  - name: helen"))).has_value());
}

TEST_CASE("thresholds and lifetimes that make no sense are refused") {
  CHECK_FALSE(read(kWhole + "shares_required: 1\n").has_value());
  CHECK_FALSE(read(kWhole + "shares_required: 5\n").has_value());
  CHECK_FALSE(read(kWhole + "least_shares_required: 1\n").has_value());
  CHECK_FALSE(read(kWhole + "key_lifetime_seconds: 59\n").has_value());
  CHECK_FALSE(read(kWhole + "key_size: 257\n").has_value());
  CHECK_FALSE(read(kWhole + "key_size: 131072\n").has_value());
  CHECK_FALSE(read(kWhole + "limits:\n  keys_per_request: 0\n").has_value());
}

TEST_CASE("a configuration names what opens encrypted PSRD files") {
  CHECK(read(kWhole)->psrd_recipient.empty());
  auto config = read(kWhole + "psrd_recipient: {passphrase_file: /etc/dske/passphrase}\n");
  require_ok(config);
  CHECK(config->psrd_recipient.passphrase == "/etc/dske/passphrase");
  config = read(kWhole + "psrd_recipient: {key: /etc/dske/psrd.key}\n");
  require_ok(config);
  CHECK(config->psrd_recipient.private_key == "/etc/dske/psrd.key");
  for (const std::string& text : {std::string("{}"), std::string("{passphrase_file: a, key: b}"),
                                  std::string("{passphrase: secret}"), std::string("a")}) {
    CHECK_FALSE(read(kWhole + "psrd_recipient: " + text + "\n").has_value());
  }
}

}  // namespace
}  // namespace dske::kme
