#include "wireguard/kernel_answers.h"

#include <memory>
#include <stdexcept>

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include "vectors.h"

namespace dske::wireguard {
namespace {

std::unique_ptr<KernelAnswer> answer_of(const dske::test::Vector& vector) {
  if (vector.text("Case").ends_with("family")) return std::make_unique<KernelFamilyAnswer>();
  return std::make_unique<KernelDeviceAnswer>(static_cast<std::uint16_t>(vector.number("Family")),
                                              vector.text("Interface"));
}

std::vector<Bytes> datagrams_of(const dske::test::Vector& vector) {
  std::vector<Bytes> all;
  for (const std::string& hex : vector.texts("Datagram")) all.push_back(dske::test::from_hex(hex));
  return all;
}

Result<bool> take_all(KernelAnswer& answer, const std::vector<Bytes>& datagrams) {
  Result<bool> whole = false;
  for (const Bytes& datagram : datagrams) {
    REQUIRE((whole && !*whole));  // not before the last one
    whole = answer.take(datagram);
    if (!whole) return whole;
  }
  return whole;
}

std::string text_of(const AllowedIp& ip) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(ip.address.size() == 16 ? AF_INET6 : AF_INET, ip.address.data(), text.data(), text.size());
  return std::string(text.data()) + "/" + std::to_string(ip.prefix_bits);
}

// As the vectors have it.
std::string text_of(const PeerState& peer) {
  std::string ips;
  for (const AllowedIp& ip : peer.allowed_ips) ips += (ips.empty() ? "" : ",") + text_of(ip);
  return dske::test::to_hex(peer.public_key.bytes()) + " " + dske::test::to_hex(peer.preshared_key.view()) +
         " " + (peer.endpoint.empty() ? "-" : peer.endpoint) + " " +
         std::to_string(peer.last_handshake_nanos.value_or(0) / 1'000'000'000) + " " +
         std::to_string(peer.sent_bytes) + " " + std::to_string(peer.keepalive_seconds) + " " +
         (ips.empty() ? "-" : ips);
}

dske::test::Vector vector_of(const std::string& name) {
  for (const auto& vector : dske::test::read_vectors("wireguard/kernel_answers.vec")) {
    if (vector.text("Case") == name) return vector;
  }
  throw std::runtime_error("there is no case " + name);
}

Result<bool> take_one(ByteView datagram) {
  const auto vector = vector_of("peers of several kinds");
  return answer_of(vector)->take(Bytes(datagram.begin(), datagram.end()));
}

}  // namespace

TEST_CASE("what a kernel answers is read as wireguard-tools reads it") {
  std::size_t devices = 0;
  for (const auto& vector : dske::test::read_vectors("wireguard/kernel_answers.vec")) {
    CAPTURE(vector.text("Case"));
    const auto answer = answer_of(vector);
    const auto whole = take_all(*answer, datagrams_of(vector));
    if (vector.has("Error")) {
      REQUIRE_FALSE(whole.has_value());
      CHECK((whole.error().kind == ErrorKind::not_found) == (vector.text("Error") == "not_found"));
      CHECK((whole.error().kind == ErrorKind::forbidden) == (vector.text("Error") == "forbidden"));
      continue;
    }
    REQUIRE_MESSAGE(whole.has_value(), whole.error().message);
    CHECK(*whole);
    if (vector.text("Case") == "family") {
      const auto family = dynamic_cast<KernelFamilyAnswer&>(*answer).family();
      REQUIRE(family.has_value());
      CHECK(*family == vector.number("Family"));
      continue;
    }
    ++devices;
    const DeviceState device = dynamic_cast<KernelDeviceAnswer&>(*answer).finish();
    CHECK(dske::test::to_hex(device.public_key.bytes()) == vector.text("PublicKey"));
    const auto expected = vector.has("Peer") ? vector.texts("Peer") : std::vector<std::string>();
    REQUIRE(device.peers.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(text_of(device.peers[i]) == expected[i]);
  }
  CHECK(devices == 3);
}

TEST_CASE("a peer goes on in the next message alone, and no other follows it under its key") {
  const auto vector = vector_of("a peer over several messages");
  auto datagrams = datagrams_of(vector);
  REQUIRE(datagrams.size() > 2);
  datagrams.erase(datagrams.begin() + 1);  // what it held is missing, the rest goes on
  const auto answer = answer_of(vector);
  REQUIRE(take_all(*answer, datagrams).has_value());
  CHECK(dynamic_cast<KernelDeviceAnswer&>(*answer).finish().peers.size() == 3);
}

TEST_CASE("answers that are cut, lengthened or of something else are refused") {
  const auto vector = vector_of("peers of several kinds");
  const Bytes good = datagrams_of(vector)[0];
  REQUIRE(take_one(good).has_value());
  for (std::size_t size = 1; size < good.size(); ++size) {
    CAPTURE(size);
    const auto taken = take_one(ByteView(good).first(size));
    CHECK_FALSE((taken && *taken));
  }
  // Its length, type, sequence number and command; the first attribute's length.
  for (const std::size_t at : std::vector<std::size_t>{0, 1, 4, 8, 16, 20}) {
    CAPTURE(at);
    Bytes bad = good;
    bad[at] ^= 0x41;
    CHECK_FALSE(take_one(bad).has_value());
  }
  Bytes negative = good;
  negative[3] = 0x80;  // in the eyes of who takes lengths for signed numbers
  CHECK_FALSE(take_one(negative).has_value());
  KernelDeviceAnswer other(static_cast<std::uint16_t>(vector.number("Family")), "wg7");
  CHECK_FALSE(other.take(good).has_value());
}

TEST_CASE("a device that changed while it was shown is to be asked for again") {
  Bytes changed = datagrams_of(vector_of("peers of several kinds"))[0];
  changed[6] |= 0x10;  // NLM_F_DUMP_INTR
  const auto vector = vector_of("peers of several kinds");
  auto datagrams = datagrams_of(vector);
  datagrams[0] = changed;
  const auto whole = take_all(*answer_of(vector), datagrams);
  REQUIRE_FALSE(whole.has_value());
  CHECK(whole.error().kind == ErrorKind::unavailable);
}

TEST_CASE("a change is done when every one of its messages is") {
  const Bytes first =
      dske::test::from_hex("240000000200000101000000000000000000000024000000200005000100000000000000");
  Bytes second = first;
  second[8] = 2;
  KernelDoneAnswer answer(32, "wg0", 2);
  auto whole = answer.take(first);
  CHECK((whole && !*whole));
  whole = answer.take(second);
  CHECK((whole && *whole));
  KernelDoneAnswer out_of_order(32, "wg0", 2);
  CHECK_FALSE(out_of_order.take(second).has_value());
  second[16] = 0xf4;  // -ENOMEM
  second[17] = second[18] = second[19] = 0xff;
  KernelDoneAnswer failing(32, "wg0", 2);
  whole = failing.take(first);
  CHECK((whole && !*whole));
  CHECK(failing.take(second).error().kind == ErrorKind::io);
}

}  // namespace dske::wireguard
