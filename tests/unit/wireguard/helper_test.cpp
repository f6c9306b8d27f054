#include "wireguard/helper.h"

#include <algorithm>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/temporary_directory.h"
#include "wireguard/helper_client.h"

namespace dske::wireguard {
namespace {

using Operation = HelperRequest::Operation;

PublicKey key(std::uint8_t first) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[0] = first;
  return PublicKey(bytes);
}

// A device in memory, as strict as a real one.
struct FakeDevice {
  std::vector<PublicKey> peers{key(1), key(2)};
  std::map<PublicKey, Bytes> keys;
  std::map<PublicKey, std::uint16_t> keepalives;
  int replaced = 0;
  bool exists = true;
};

class FakeDriver final : public DeviceDriver {
 public:
  explicit FakeDriver(FakeDevice& device) : device_(device) {}
  Result<DeviceState> get() override {
    if (!device_.exists) return Error{ErrorKind::not_found, "no such device"};
    DeviceState state;
    state.public_key = key(9);
    for (const PublicKey& peer : device_.peers) {
      PeerState one;
      one.public_key = peer;
      one.preshared_key =
          device_.keys.contains(peer) ? SecretBytes::copy_of(device_.keys[peer]) : SecretBytes(32);
      one.keepalive_seconds = device_.keepalives[peer];
      one.endpoint = "192.0.2.1:1";
      state.peers.push_back(std::move(one));
    }
    return state;
  }
  Result<void> set_key(const PublicKey& peer, ByteView psk) override {
    device_.keys[peer] = Bytes(psk.begin(), psk.end());
    return {};
  }
  Result<void> set_keepalive(const PublicKey& peer, std::uint16_t seconds) override {
    device_.keepalives[peer] = seconds;
    return {};
  }
  Result<void> replace(const PeerState& state) override {
    ++device_.replaced;
    device_.keepalives[state.public_key] = state.keepalive_seconds;
    return set_key(state.public_key, state.preshared_key.view());
  }

 private:
  FakeDevice& device_;
};

struct Setting {
  dske::test::TemporaryDirectory directory;
  std::filesystem::path file = directory.path() / "wireguard.yaml";
  FakeDevice device;
  std::unique_ptr<Helper> helper;

  explicit Setting(const std::vector<std::uint8_t>& peers = {1}) {
    log::set_level(log::Level::error);
    write(peers);
    helper = std::make_unique<Helper>(file, [this](const InterfaceConfig&) -> std::unique_ptr<DeviceDriver> {
      return std::make_unique<FakeDriver>(device);
    });
  }
  void write(const std::vector<std::uint8_t>& peers) {
    std::string text =
        "state_dir: state\nsae_id: alice\ntls: {certificate: a, key: b, ca: c}\nkme: {url: "
        "\"https://localhost:1\"}\n"
        "interfaces:\n  - name: wg0\n    peers:\n";
    for (const std::uint8_t peer : peers) {
      text +=
          "      - {public_key: \"" + key(peer).text() + "\", sae_id: bob, url: \"https://localhost:2\"}\n";
    }
    std::ofstream(file.string() + ".new") << text;
    std::filesystem::rename(file.string() + ".new", file);
  }
  Result<void> change(const HelperRequest& request) {
    return decode_done(helper->answer(encode(request).view()));
  }
};

}  // namespace

TEST_CASE("the helper shows configured peers alone, and no key of them") {
  Setting setting;
  setting.device.keys[key(1)] = Bytes(32, 7);
  HelperRequest request;
  request.interface = "wg0";
  const Bytes answer = setting.helper->answer(encode(request).view());
  const auto device = decode_observation(answer);
  REQUIRE(device.has_value());
  CHECK(device->public_key == key(9));
  REQUIRE(device->peers.size() == 1);
  CHECK(device->peers.at(key(1)).preshared_key == fingerprint_of(Bytes(32, 7)));
  CHECK(device->peers.at(key(1)).endpoint_known);
  const Bytes secret(32, 7);
  CHECK(std::search(answer.begin(), answer.end(), secret.begin(), secret.end()) == answer.end());
  setting.device.exists = false;
  CHECK(decode_observation(setting.helper->answer(encode(request).view())).error().kind ==
        ErrorKind::not_found);
}

TEST_CASE("keys are set for the interfaces and peers of the configuration alone, as it is now") {
  Setting setting;
  CHECK(setting.change({Operation::set_key, "wg0", key(1), SecretBytes(32), std::nullopt}).has_value());
  for (const auto& [interface, peer] :
       std::vector<std::pair<std::string, PublicKey>>{{"wg0", key(2)}, {"wg1", key(1)}, {"wg0", key(3)}}) {
    for (const Operation operation : {Operation::set_key, Operation::replace}) {
      const auto done = setting.change({operation, interface, peer, SecretBytes(32), std::nullopt});
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().kind == ErrorKind::forbidden);
    }
  }
  CHECK_FALSE(setting.device.keys.contains(key(2)));
  setting.write({1, 2});
  CHECK(setting.change({Operation::set_key, "wg0", key(2), SecretBytes(32), std::nullopt}).has_value());
  std::ofstream(setting.file) << "not a configuration";
  CHECK(setting.change({Operation::set_key, "wg0", key(2), SecretBytes(32), std::nullopt}).has_value());
}

TEST_CASE("a peer is replaced with what it has, and never made") {
  Setting setting({1, 3});
  setting.device.keys[key(1)] = Bytes(32, 5);
  setting.device.keepalives[key(1)] = 25;
  CHECK(setting.change({Operation::replace, "wg0", key(1), {}, std::uint16_t{1}}).has_value());
  CHECK(setting.device.keys[key(1)] == Bytes(32, 5));
  CHECK(setting.device.keepalives[key(1)] == 1);
  const auto none = setting.change({Operation::replace, "wg0", key(3), SecretBytes(32), std::nullopt});
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().kind == ErrorKind::not_found);
  CHECK(setting.device.replaced == 1);
}

TEST_CASE("packets that are no requests change nothing") {
  Setting setting;
  const SecretBytes good =
      encode(HelperRequest{Operation::set_key, "wg0", key(1), SecretBytes(32), std::nullopt});
  CHECK(decode_helper_request(good.view()).has_value());
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(decode_done(setting.helper->answer(good.view().first(size))).has_value());
  for (const auto& [at, byte] : std::vector<std::pair<std::size_t, std::uint8_t>>{
           {0, 0}, {0, 5}, {0, 4}, {0, 1}, {1, 0}, {1, 16}, {1, 255}, {37, 2}}) {
    SecretBytes bad = good.clone();
    bad.span()[at] = byte;
    const auto place = at;  // clang captures no structured binding
    CAPTURE(place);
    CHECK_FALSE(decode_helper_request(bad.view()).has_value());
  }
  SecretBytes longer = good.clone();
  longer.push_back(0);
  CHECK_FALSE(decode_helper_request(longer.view()).has_value());
  CHECK(setting.device.keys.empty());
}

TEST_CASE("a configuration that others may write is not followed") {
  Setting setting;
  std::filesystem::permissions(setting.file, std::filesystem::perms::group_write,
                               std::filesystem::perm_options::add);
  CHECK_FALSE(check_config_owner(setting.file).has_value());
  std::filesystem::permissions(setting.file, std::filesystem::perms::group_write,
                               std::filesystem::perm_options::remove);
  CHECK(check_config_owner(setting.file).has_value());
}

TEST_CASE("the client gives answers in their order, and tells when the helper has ended") {
  Setting setting;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()) == 0);
  FileDescriptor other(ends[1]);
  int gone = 0;
  HelperClient client(FileDescriptor{ends[0]}, [&gone] { ++gone; });
  std::vector<int> order;
  HelperPeerDevice device(client, "wg0", key(1));
  device.set_key(SecretBytes::copy_of(Bytes(32, 3)), [&](const Result<void>& done) {
    CHECK(done.has_value());
    order.push_back(1);
  });
  device.set_keepalive(7, [&](const Result<void>& done) {
    CHECK(done.has_value());
    order.push_back(2);
  });
  client.observe("wg0", [&](const Result<DeviceObservation>& seen) {
    REQUIRE(seen.has_value());
    CHECK(seen->peers.at(key(1)).keepalive_seconds == 7);
    order.push_back(3);
  });
  device.replace({}, std::nullopt, [&](const Result<void>& done) {
    CHECK_FALSE(done.has_value());
    order.push_back(4);
  });
  for (int i = 0; i < 3; ++i) {
    Bytes packet(kHelperRequestBytesMost);
    const ssize_t got = ::recv(other.get(), packet.data(), packet.size(), 0);
    REQUIRE(got > 0);
    const Bytes answer = setting.helper->answer(ByteView(packet).first(static_cast<std::size_t>(got)));
    REQUIRE(::send(other.get(), answer.data(), answer.size(), 0) > 0);
    client.take_answer();
  }
  other.close();
  client.take_answer();
  CHECK(order == std::vector<int>{1, 2, 3, 4});
  CHECK(gone == 1);
  CHECK(setting.device.keys[key(1)] == Bytes(32, 3));
}

}  // namespace dske::wireguard
