// kernel_device() against the kernel that this runs on, which must have WireGuard, as root: a program of its
// own, which tests/system/test_wireguard_kernel.py runs where there is such a kernel. It makes and deletes
// the device dskecheck0.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <tuple>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wireguard/device_state.h"
#include "wireguard/privileges.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kManyIps = 3000;  // of three messages

PublicKey key(std::uint8_t first) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(0x11);
  bytes[0] = first;
  return PublicKey(bytes);
}

bool shell(const std::string& command) {
  return std::system(command.c_str()) == 0;
}

// A device with the peers 1, of all that a peer may have, and 2, of nothing.
struct Device {
  std::unique_ptr<DeviceDriver> driver = kernel_device("dskecheck0");

  Device() {
    REQUIRE(shell("ip link add dskecheck0 type wireguard"));
    REQUIRE(shell("wg set dskecheck0 peer " + key(1).text() +
                  " endpoint 192.0.2.1:7 persistent-keepalive 25 allowed-ips 10.0.0.0/24,fd00::/64 peer " +
                  key(2).text()));
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() { shell("ip link delete dskecheck0"); }

  [[nodiscard]] PeerState peer(const PublicKey& wanted) const {
    auto state = driver->get();
    REQUIRE_MESSAGE(state.has_value(), state.error().message);
    for (PeerState& one : state->peers) {
      if (one.public_key == wanted) return std::move(one);
    }
    FAIL("the peer is gone");
    return {};
  }
  [[nodiscard]] std::size_t peers() const {
    const auto state = driver->get();
    REQUIRE(state.has_value());
    return state->peers.size();
  }
};

SecretBytes psk(std::uint8_t fill) {
  return SecretBytes::copy_of(Bytes(32, fill));
}

bool holds(const PeerState& peer, std::uint8_t fill) {
  return constant_time_equal(peer.preshared_key.view(), psk(fill).view());
}

std::vector<AllowedIp> sorted(std::vector<AllowedIp> ips) {
  std::sort(ips.begin(), ips.end(), [](const AllowedIp& a, const AllowedIp& b) {
    return std::tie(a.address, a.prefix_bits) < std::tie(b.address, b.prefix_bits);
  });
  return ips;
}

}  // namespace

TEST_CASE("a key and a keep-alive interval are set, and nothing else changes") {
  const Device device;
  const PeerState before = device.peer(key(1));
  REQUIRE(device.driver->set_key(key(1), psk(5).view()).has_value());
  REQUIRE(device.driver->set_keepalive(key(1), 7).has_value());
  const PeerState after = device.peer(key(1));
  CHECK(holds(after, 5));
  CHECK(after.keepalive_seconds == 7);
  CHECK(after.endpoint == "192.0.2.1:7");
  CHECK(sorted(after.allowed_ips) == sorted(before.allowed_ips));
  CHECK(holds(device.peer(key(2)), 0));
}

TEST_CASE("a peer that does not exist is not found, and not made") {
  const Device device;
  CHECK(device.driver->set_key(key(3), psk(5).view()).error().kind == ErrorKind::not_found);
  CHECK(device.driver->set_keepalive(key(3), 7).error().kind == ErrorKind::not_found);
  CHECK(device.peers() == 2);
}

TEST_CASE("a peer that is replaced comes as it was, with its new key") {
  const Device device;
  for (const std::uint8_t first : {std::uint8_t{1}, std::uint8_t{2}}) {
    PeerState state = device.peer(key(first));
    state.preshared_key = psk(9);
    REQUIRE(device.driver->replace(state).has_value());
    const PeerState after = device.peer(key(first));
    CHECK(holds(after, 9));
    CHECK(after.endpoint == state.endpoint);
    CHECK(after.keepalive_seconds == state.keepalive_seconds);
    CHECK(sorted(after.allowed_ips) == sorted(state.allowed_ips));
  }
  CHECK(device.peers() == 2);
}

TEST_CASE("a peer with thousands of allowed IPs keeps them all") {
  const Device device;
  PeerState state = device.peer(key(2));
  for (std::size_t i = 0; i < kManyIps; ++i) {
    Bytes address(i % 2 == 0 ? 4 : 16, 0);
    address[0] = i % 2 == 0 ? 10 : 0xfd;
    address[2] = static_cast<std::uint8_t>(i >> 8U);
    address[3] = static_cast<std::uint8_t>(i);
    state.allowed_ips.push_back({std::move(address), 32});
  }
  for (const std::uint8_t fill : {std::uint8_t{3}, std::uint8_t{4}}) {
    state.preshared_key = psk(fill);
    REQUIRE(device.driver->replace(state).has_value());
    const PeerState after = device.peer(key(2));
    CHECK(holds(after, fill));
    CHECK(sorted(after.allowed_ips) == sorted(state.allowed_ips));
  }
}

TEST_CASE("what is no WireGuard device is not found") {
  const Device device;
  for (const std::string name : {"dskecheck9", "lo"}) {
    const auto other = kernel_device(name);
    CHECK(other->get().error().kind == ErrorKind::not_found);
    CHECK(other->set_key(key(1), psk(1).view()).error().kind == ErrorKind::not_found);
  }
}

TEST_CASE("CAP_NET_ADMIN alone is enough, and nothing less") {
  const Device device;
  const pid_t child = ::fork();
  if (child == 0) {
    const bool kept = keep_device_privileges() && device.driver->set_key(key(1), psk(2).view());
    const bool dropped = drop_privileges("nobody").has_value();  // it may not become another any more
    ::_exit(kept && !dropped ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  const pid_t other = ::fork();
  if (other == 0) {
    const bool dropped = drop_privileges("nobody").has_value();
    const auto seen = device.driver->get();
    ::_exit(dropped && !seen && seen.error().kind == ErrorKind::forbidden ? 0 : 1);
  }
  REQUIRE(::waitpid(other, &status, 0) == other);
  CHECK(status == 0);
}

}  // namespace dske::wireguard
