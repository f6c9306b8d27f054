#include "wireguard/uapi.h"

#include <string>

#include <doctest/doctest.h>

#include "vectors.h"

namespace dske::wireguard {
namespace {

// A private key, and what `wg pubkey` of wireguard-tools 1.0.20210914 makes of it; another public key.
const std::string kPrivate = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177f73d1db92c2a";
const std::string kPublic = "0abc40e47b44d46e0ba5bf9d74c63c24c3a16cc503c6a9c638b8435cd9882d7e";
const std::string kBob = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
const std::string kPsk = "188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52";

std::string answer(const std::string& more) {
  return "private_key=" + kPrivate + "\nlisten_port=51820\nfwmark=1\npublic_key=" + kBob + "\n" + more +
         "errno=0\n\n";
}

PublicKey bob() {
  return *PublicKey::from_bytes(dske::test::from_hex(kBob));
}

}  // namespace

TEST_CASE("a device's answer becomes its state") {
  const auto device = parse_uapi_device(
      answer("preshared_key=" + kPsk +
             "\nprotocol_version=1\nendpoint=[2001:db8::1]:51820\nlast_handshake_time_sec=1700000000\n"
             "last_handshake_time_nsec=5\ntx_bytes=148\nrx_bytes=92\npersistent_keepalive_interval=25\n"
             "allowed_ip=10.0.0.0/24\nallowed_ip=fd00::/8\npublic_key=" +
             kPsk + "\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"));
  REQUIRE(device.has_value());
  REQUIRE(device->peers.size() == 2);
  const PeerState& peer = device->peers[0];
  CHECK(peer.public_key == bob());
  CHECK(dske::test::to_hex(peer.preshared_key.view()) == kPsk);
  CHECK(peer.endpoint == "[2001:db8::1]:51820");
  CHECK(peer.last_handshake_nanos == 1'700'000'000'000'000'005);
  CHECK(peer.sent_bytes == 148);
  CHECK(peer.keepalive_seconds == 25);
  REQUIRE(peer.allowed_ips.size() == 2);
  CHECK(peer.allowed_ips[1].address.size() == 16);
  CHECK(peer.allowed_ips[1].prefix_bits == 8);
  CHECK_FALSE(device->peers[1].last_handshake_nanos);
  CHECK(device->peers[1].preshared_key.size() == 32);
}

TEST_CASE("the public key is that of the private key") {
  const auto device = parse_uapi_device(answer(""));
  REQUIRE(device.has_value());
  CHECK(dske::test::to_hex(device->public_key.bytes()) == kPublic);
}

TEST_CASE("a peer that is added again comes as it was") {
  auto device = parse_uapi_device(answer("preshared_key=" + kPsk +
                                         "\nendpoint=192.0.2.1:7\npersistent_keepalive_interval=5\n"
                                         "allowed_ip=10.0.0.2/32\n"));
  REQUIRE(device.has_value());
  CHECK(uapi_replace(device->peers[0]).text() ==
        "set=1\npublic_key=" + kBob + "\nremove=true\npublic_key=" + kBob + "\npreshared_key=" + kPsk +
            "\nendpoint=192.0.2.1:7\nreplace_allowed_ips=true\nallowed_ip=10.0.0.2/32\n"
            "persistent_keepalive_interval=5\n\n");
  CHECK(uapi_set_key(bob(), dske::test::from_hex(kPsk)).text() ==
        "set=1\npublic_key=" + kBob + "\nupdate_only=true\npreshared_key=" + kPsk + "\n\n");
  CHECK(uapi_set_keepalive(bob(), 0).text() ==
        "set=1\npublic_key=" + kBob + "\nupdate_only=true\npersistent_keepalive_interval=0\n\n");
}

TEST_CASE("answers that are none are refused") {
  for (const std::string& bad :
       {std::string(), std::string("errno=0"), answer("endpoint"),
        answer("preshared_key=" + kPsk.substr(1) + "0x\n"), answer("preshared_key=00\n"),
        answer("allowed_ip=10.0.0.0\n"), answer("allowed_ip=10.0.0.0/33\n"), answer("tx_bytes=-1\n"),
        answer("tx_bytes=1x\n"), answer("persistent_keepalive_interval=65536\n"),
        answer("last_handshake_time_sec=99999999999\nlast_handshake_time_nsec=0\n"),
        answer("public_key=zz\n"), std::string("errno=1\n\n"), std::string("private_key=00\nerrno=0\n\n"),
        "own_public_key=" + kPublic + "\npublic_key=" + kBob + "\nerrno=0\n\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_uapi_device(bad).has_value());
  }
  CHECK(parse_uapi_errno("errno=-22\n\n") == -22);
  CHECK_FALSE(parse_uapi_errno("\n").has_value());
}

}  // namespace dske::wireguard
