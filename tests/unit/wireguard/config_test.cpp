#include "wireguard/config.h"

#include <algorithm>
#include <map>
#include <string>

#include <doctest/doctest.h>

namespace dske::wireguard {
namespace {

const std::string kKey = "AAAACQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

const std::string kHead =
    "state_dir: state\nsae_id: alice\ntls: {certificate: a.crt, key: a.key, ca: /ca.crt}\n"
    "kme: {url: \"https://kme:8105\"}\n";

std::string with_peer(const std::string& peer) {
  return kHead + "listen: {port: 7443}\ninterfaces:\n  - name: wg0\n    peers:\n      - {public_key: \"" +
         kKey + "\", sae_id: bob" + peer + "}\n";
}

}  // namespace

TEST_CASE("a configuration has defaults, and a peer those of the whole") {
  const auto config = parse_config(with_peer("") +
                                       "split_trust: {require: dske, tls: true, secret_file: /s}\n"
                                       "intervals: {rotate_seconds: 60}\n",
                                   "/etc/dske/wireguard.yaml");
  REQUIRE_MESSAGE(config.has_value(), (config ? "" : config.error().message));
  CHECK(config->state_dir == "/etc/dske/state");
  CHECK(config->tls.certificate == "/etc/dske/a.crt");
  CHECK(config->kme_tls.ca == "/ca.crt");
  CHECK(config->timings.rotate == std::chrono::seconds(60));
  CHECK(config->timings.retry == std::chrono::seconds(10));
  REQUIRE(config->interfaces.size() == 1);
  CHECK(config->interfaces[0].kind == DeviceKind::automatic);
  CHECK(config->interfaces[0].uapi_socket == "/var/run/wireguard/wg0.sock");
  REQUIRE(config->interfaces[0].peers.size() == 1);
  const PeerConfig& peer = config->interfaces[0].peers[0];
  CHECK(peer.public_key.text() == kKey);
  CHECK(peer.trust.require == Require::dske);
  CHECK(peer.trust.tls);
  CHECK(peer.trust.secret_file == "/s");
  CHECK_FALSE(peer.keep_initial_key);
}

TEST_CASE("a peer may have a split trust of its own") {
  const auto config = parse_config(with_peer(", url: \"https://192.0.2.1:7443\", keep_initial_key: true, "
                                             "split_trust: {require: any, ratchet: true}"),
                                   "/x");
  REQUIRE(config.has_value());
  const PeerConfig& peer = config->interfaces[0].peers[0];
  CHECK(peer.url == "https://192.0.2.1:7443");
  CHECK(peer.keep_initial_key);
  CHECK(peer.trust == SplitTrust{Require::any, false, "", true});
}

TEST_CASE("an interface may say of which kind its device is") {
  for (const auto& [word, kind] : std::map<std::string, DeviceKind>{{"automatic", DeviceKind::automatic},
                                                                    {"userspace", DeviceKind::userspace},
                                                                    {"kernel", DeviceKind::kernel}}) {
    const auto config =
        parse_config(kHead + "interfaces:\n  - {name: wg0, kind: " + word + ", peers: []}\n", "/x");
    REQUIRE_MESSAGE(config.has_value(), (config ? "" : config.error().message));
    CHECK(config->interfaces[0].kind == kind);
  }
}

TEST_CASE("faults are refused with their place") {
  const std::string good = with_peer("");
  REQUIRE(parse_config(good, "/x").has_value());
  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string text = good;
    return text.replace(text.find(what), what.size(), with);
  };
  for (const std::string& bad : {std::string("[]"),
                                 kHead + "surplus: 1\n",
                                 replaced("sae_id: alice", "said: alice"),
                                 replaced("sae_id: alice", "sae_id: bob"),
                                 replaced("https://kme:8105", "http://kme:8105"),
                                 replaced("https://kme:8105", "https://kme:8105/"),
                                 replaced("listen: {port: 7443}\n", ""),
                                 replaced("7443", "0"),
                                 replaced("name: wg0", "name: ../wg0"),
                                 replaced("name: wg0", "name: wg0\n    kind: tap"),
                                 replaced("name: wg0", "name: a-name-too-long-for-it"),
                                 replaced(kKey, "AAAA"),
                                 with_peer(", url: \"http://x:1\""),
                                 with_peer(", split_trust: {require: some}"),
                                 with_peer(", color: red"),
                                 good + "intervals: {rotate_seconds: 1}\n",
                                 good + "log_level: loud\n",
                                 good + "intervals: {rotate_seconds: 61, key_age_most_seconds: 121}\n",
                                 good + "intervals: {rotate_seconds: 7200}\n",
                                 good + "intervals: {rotate_seconds: 20, key_age_most_seconds: 79}\n",
                                 replaced("https://kme:8105", "https://kme:81050/client/carol"),
                                 replaced("https://kme:8105", "https://kme:81050"),
                                 replaced("https://kme:8105", "https://kme:"),
                                 replaced("https://kme:8105", "https://[::1]:0")}) {
    CAPTURE(bad);
    const auto config = parse_config(bad, "/x");
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().message.find("/x:") == 0);
  }
}

TEST_CASE("the gate may shut for age only when keys have stopped coming") {
  for (const char* intervals : {"rotate_seconds: 60, key_age_most_seconds: 120", "rotate_seconds: 1800",
                                "rotate_seconds: 86400, key_age_most_seconds: 0"}) {
    CAPTURE(intervals);
    CHECK(parse_config(with_peer("") + "intervals: {" + intervals + "}\n", "/x").has_value());
  }
}

TEST_CASE("what a running adapter does not follow is named") {
  const std::string text = with_peer(", split_trust: {tls: true}");
  const auto before = parse_config(text, "/x");
  REQUIRE(before.has_value());
  const auto changed = [&](const std::string& what, const std::string& with) {
    std::string other = text;
    const auto after = parse_config(other.replace(other.find(what), what.size(), with), "/x");
    REQUIRE(after.has_value());
    return changed_for_next_start(*before, *after);
  };
  using Names = std::vector<std::string>;
  CHECK(changed("", "").empty());
  CHECK(changed("tls: true", "tls: false").empty());
  CHECK(changed("name: wg0", "name: wg1").empty());
  CHECK(changed("sae_id: bob", "sae_id: carol").empty());
  CHECK(changed("state_dir: state", "state_dir: other\nlog_level: debug\nuser: nobody") ==
        Names{"state_dir", "user", "log_level"});
  CHECK(changed("port: 7443", "port: 7444") == Names{"listen"});
  CHECK(changed("interfaces:", "intervals: {retry_seconds: 3}\ninterfaces:") == Names{"intervals"});
  CHECK(changed("https://kme:8105", "https://kme:8106") == Names{"kme"});
  CHECK(changed("ca: /ca.crt", "ca: /ca.crt, crl: /ca.crl") == Names{"tls", "kme"});
  CHECK(changed("sae_id: alice", "sae_id: alicia") == Names{"sae_id"});
}

TEST_CASE("a url may have any port that there is, or none") {
  for (const char* url :
       {"https://kme", "https://kme:1", "https://kme:65535", "https://kme:8105/client/carol:1/etsi",
        "https://kme/client/carol", "https://[2001:db8::1]", "https://[2001:db8::1]:7443"}) {
    CAPTURE(url);
    CHECK(parse_config(with_peer(std::string(", url: \"") + url + "\""), "/x").has_value());
  }
}

TEST_CASE("what stands twice, or cannot be, is named where it stands") {
  const auto refusal = [](const std::string& text) {
    const auto config = parse_config(text, "/x");
    REQUIRE_FALSE(config.has_value());
    return config.error().message;
  };
  const std::string good = with_peer("");
  const auto line_of_next = std::to_string(std::count(good.begin(), good.end(), '\n') + 1);
  CHECK(refusal(good + "      - {public_key: \"" + kKey + "\", sae_id: carol}\n") ==
        "/x:" + line_of_next + ":9: the interface has a peer with this public_key already");
  CHECK(refusal(good + "  - {name: wg0, peers: []}\n").starts_with("/x:" + line_of_next + ":"));
  CHECK(refusal(good + "      - {public_key: \"AAAA\" , sae_id: alice}\n")
            .starts_with("/x:" + line_of_next + ":"));
  const std::string other_key = "AAAACQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
  CHECK(refusal(good + "      - {public_key: \"" + other_key + "\", sae_id: alice}\n")
            .starts_with("/x:" + line_of_next + ":"));
  CHECK(refusal(kHead + "interfaces:\n  - name: wg0\n    peers:\n      - {public_key: \"" + kKey +
                "\", sae_id: bob}\n")
            .find("listen") != std::string::npos);
}

}  // namespace dske::wireguard
