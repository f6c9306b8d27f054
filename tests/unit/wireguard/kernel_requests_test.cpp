#include "wireguard/kernel_requests.h"

#include <sstream>

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include "vectors.h"
#include "wireguard/endpoint.h"

namespace dske::wireguard {
namespace {

AllowedIp allowed_ip(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  AllowedIp ip;
  const bool is_v6 = address.find(':') != std::string::npos;
  ip.address.resize(is_v6 ? 16 : 4);
  REQUIRE(::inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(), ip.address.data()) == 1);
  ip.prefix_bits = static_cast<std::uint8_t>(std::stoi(text.substr(slash + 1)));
  return ip;
}

PeerState state_of(const dske::test::Vector& vector) {
  PeerState state;
  state.public_key = *PublicKey::from_bytes(vector.bytes("Peer"));
  state.preshared_key = SecretBytes::copy_of(vector.bytes("PresharedKey"));
  if (vector.text("Endpoint") != "-") state.endpoint = vector.text("Endpoint");
  state.keepalive_seconds = static_cast<std::uint16_t>(vector.number("Keepalive"));
  std::istringstream ips(vector.text("AllowedIps"));
  for (std::string one; std::getline(ips, one, ',');) {
    if (one != "-") state.allowed_ips.push_back(allowed_ip(one));
  }
  return state;
}

Result<KernelRequest> request_of(const std::string& name, std::uint16_t family, const std::string& interface,
                                 const PeerState& state) {
  if (name == "set_key")
    return kernel_set_key(family, interface, state.public_key, state.preshared_key.view());
  if (name == "set_keepalive")
    return kernel_set_keepalive(family, interface, state.public_key, state.keepalive_seconds);
  return kernel_replace(family, interface, state);
}

}  // namespace

TEST_CASE("requests are those that a kernel carried out") {
  for (const auto& vector : dske::test::read_vectors("wireguard/kernel_requests.vec")) {
    const std::string name = vector.text("Case");
    CAPTURE(name);
    const auto request = request_of(name, static_cast<std::uint16_t>(vector.number("Family")),
                                    vector.text("Interface"), state_of(vector));
    REQUIRE(request.has_value());
    CHECK(dske::test::to_hex(request->datagram.view()) == vector.text("Request"));
    CHECK(request->messages == (name == "replace many" ? 2 : 1));
  }
}

TEST_CASE("a peer that cannot be added again as it was is not removed") {
  PeerState state;
  state.preshared_key = SecretBytes(32);
  state.endpoint = "nowhere";
  CHECK(kernel_replace(32, "wg0", state).error().kind == ErrorKind::invalid);
  state.endpoint.clear();
  state.allowed_ips.assign(kKernelAllowedIpsMost, allowed_ip("fd00::/8"));
  CHECK(kernel_replace(32, "wg0", state).has_value());
  state.allowed_ips.push_back(allowed_ip("fd00::/8"));
  CHECK(kernel_replace(32, "wg0", state).error().kind == ErrorKind::invalid);
}

TEST_CASE("endpoints are the same again") {
  for (const std::string text :
       {"192.0.2.1:1", "[2001:db8::1]:65535", "[fe80::1%4294967295]:51820", "0.0.0.0:0"}) {
    const auto address = endpoint_address(text);
    REQUIRE(address.has_value());
    const auto again = endpoint_text(*address);
    REQUIRE(again.has_value());
    CHECK(*again == text);
  }
  for (const std::string bad :
       {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:1 ", "::1:1", "[::1]", "[]:1",
        "[::1%]:1", "[::1%lo]:1", "[192.0.2.1]:1", "[::1%4294967296]:1"}) {
    CAPTURE(bad);
    CHECK_FALSE(endpoint_address(bad).has_value());
  }
  const Bytes v4 = *endpoint_address("192.0.2.1:1");
  CHECK_FALSE(endpoint_text(ByteView(v4).first(v4.size() - 1)).has_value());
  CHECK_FALSE(endpoint_text({}).has_value());
}

}  // namespace dske::wireguard
