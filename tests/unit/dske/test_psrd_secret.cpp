// Bundles whose secret is made of PSRD (docs/protocol.md, section 3.4).
#include <algorithm>
#include <sstream>

#include <doctest/doctest.h>

#include "dske/secret_sharing.h"
#include "dske/secret_tag.h"
#include "fixed_randomness.h"
#include "simulated_network.h"
#include "vectors.h"

namespace dske::test {
namespace {

using std::chrono::seconds;

std::pair<std::uint8_t, Bytes> share_of(const std::string& text) {
  std::istringstream words(text);
  unsigned x = 0;
  std::string hex;
  words >> x >> hex;
  return {static_cast<std::uint8_t>(x), from_hex(hex)};
}

TEST_CASE("PSRD secrets: secret, shares and tag agree with the vectors") {
  for (const Vector& vector : read_vectors("dske/psrd_secret.vec")) {
    CAPTURE(vector.where());
    std::vector<std::pair<std::uint8_t, Bytes>> given;
    for (const std::string& text : vector.texts("Point")) given.push_back(share_of(text));
    std::vector<SharePoint> points;
    for (const auto& [x, share] : given) points.push_back({x, share});
    CHECK(points.size() == vector.number("Required"));
    const std::vector<std::string> expected = vector.texts("Share");
    const auto shared = complete(points, expected.size());
    REQUIRE(shared);
    CHECK(to_hex(shared->secret.view()) == vector.text("Secret"));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(to_hex(shared->shares[i].view()) == to_hex(share_of(expected[i]).second));
    }
    const ByteView secret = shared->secret.view();
    CHECK(to_hex(secret_tag(secret.first(kSecretTagRandomSize), vector.bytes("Context"),
                            secret.subspan(kSecretTagRandomSize))) == vector.text("Tag"));
  }
}

TEST_CASE("PSRD secrets: points that cannot be shares are refused") {
  const Bytes share(8, 1);
  const Bytes shorter(7, 1);
  CHECK_FALSE(complete(std::vector<SharePoint>{{1, share}}, 3));
  CHECK_FALSE(complete(std::vector<SharePoint>{{0, share}, {1, share}}, 3));
  CHECK_FALSE(complete(std::vector<SharePoint>{{1, share}, {4, share}}, 3));
  CHECK_FALSE(complete(std::vector<SharePoint>{{1, share}, {2, shorter}}, 3));
  CHECK_FALSE(complete(std::vector<SharePoint>{{1, share}, {2, share}}, 256));
  CHECK(complete(std::vector<SharePoint>{{1, share}, {2, share}}, 3));
}

struct Relay {
  explicit Relay(std::size_t n = 5, std::size_t k = 3) : network(7, n, k) {
    network.key_source = KeySource::psrd;
    carol = &network.add_client("carol");
    celia = &network.add_client("celia");
    network.register_all();
  }
  BundleResult establish() { return network.establish(*carol, bundle_request("carol", {"celia"})); }
  [[nodiscard]] std::size_t from_psrd() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < network.hub_count(); ++i) count += network.hub(i).shares_from_psrd;
    return count;
  }
  void check_fetched(const EstablishedBundle& bundle) {
    const auto fetched = network.fetch(*celia, bundle.context.name());
    REQUIRE_MESSAGE(fetched.has_value(), fetched.error().message);
    CHECK(constant_time_equal(fetched->keys.view(), bundle.keys.view()));
    CHECK(network.record.faults() == std::vector<std::string>());
  }

  SimulatedNetwork network;
  SimulatedClient* carol = nullptr;
  SimulatedClient* celia = nullptr;
};

TEST_CASE("PSRD secrets: k hubs are sent no share, and theirs is the PSRD that the message names") {
  Relay relay;
  std::vector<KeyShareMessage> without;
  std::size_t with = 0;
  relay.network.transport.on_request = [&](const HubAddress&, const HubRequest& request) {
    if (request.method != "POST") return;
    auto message = KeyShareMessage::parse(request.body.text());
    REQUIRE(message);
    if (message->source == ShareSource::message) {
      ++with;
    } else {
      CHECK(message->encrypted_share.empty());
      without.push_back(std::move(*message));
    }
  };
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  CHECK(without.size() == 3);
  CHECK(with == 2);
  for (const KeyShareMessage& message : without) {
    const BlockId block = message.allocation.front().block;
    bool found = false;
    for (std::size_t i = 0; i < relay.network.hub_count(); ++i) {
      if (!relay.carol->link(i).pool().has_block(block)) continue;
      const Bytes& share = relay.network.hub(i).shares().at(bundle->context.name()).bytes;
      found = share.size() == bundle->context.share_bytes();
    }
    CHECK(found);
  }
  relay.check_fetched(*bundle);
}

TEST_CASE("PSRD secrets: it costs each hub's PSRD what an encrypted share costs") {
  const auto cost = [](KeySource source) {
    SimulatedNetwork network(3, 5, 3);
    network.key_source = source;
    SimulatedClient& carol = network.add_client("carol");
    network.add_client("celia");
    network.register_all();
    const std::uint64_t before = network.record.used_bytes(Side::client, Zone::pad);
    REQUIRE(network.establish(carol, bundle_request("carol", {"celia"})));
    return network.record.used_bytes(Side::client, Zone::pad) - before;
  };
  CHECK(cost(KeySource::psrd) == cost(KeySource::generator));
}

TEST_CASE("PSRD secrets: no byte of them comes from the generator") {
  // Two runs of one network whose generator gives the second bundle the same bytes: the keys differ as the
  // PSRD does, and would be the same if they were drawn.
  Relay relay;
  const auto first = relay.establish();
  const auto second = relay.establish();
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(constant_time_equal(first->keys.view(), second->keys.view()));
  std::vector<SharePoint> points;
  std::vector<Bytes> shares;
  for (std::size_t i = 0; i < 3; ++i)
    shares.push_back(relay.network.hub(i).shares().at(first->context.name()).bytes);
  for (std::size_t i = 0; i < 3; ++i) points.push_back({static_cast<std::uint8_t>(i + 1), shares[i]});
  const auto rebuilt = complete(points, 5);
  REQUIRE(rebuilt);
  CHECK(constant_time_equal(rebuilt->secret.view().subspan(kSecretTagRandomSize), first->keys.view()));
  CHECK(relay.from_psrd() == 6);
}

TEST_CASE("PSRD secrets: a hub without PSRD is passed over while k others have some") {
  Relay relay;
  const auto used_up = [&](std::size_t hub) {
    const std::uint64_t left = relay.carol->link(hub).pool().levels().client_pad.left_bytes;
    relay.carol->link(hub).reserve_pad(left, [](const Result<HubLink::Pad>& pad) { CHECK(pad); });
    relay.network.loop.run_for(seconds(1));
  };
  used_up(0);
  used_up(2);
  const auto bundle = relay.establish();
  REQUIRE_MESSAGE(bundle.has_value(), bundle.error().message);
  CHECK(relay.network.hub(0).shares_from_psrd == 0);
  CHECK(relay.from_psrd() == 3);
  relay.check_fetched(*bundle);
  used_up(4);
  const auto none = relay.establish();
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::exhausted);
  for (const char* hub : {"hub0: PSRD is used up", "hub2: PSRD is used up", "hub4: PSRD is used up"})
    CHECK(none.error().message.find(hub) != std::string::npos);
}

TEST_CASE("PSRD secrets: one of the k that fails is as any hub that fails") {
  Relay relay;
  REQUIRE(relay.network.locate(*relay.carol, sae_id("celia")));
  relay.network.hub(0).lie = Lie::refuses_shares;
  relay.network.weather(1).loses_request = 1;
  const auto bundle = relay.establish();
  REQUIRE_MESSAGE(bundle.has_value(), bundle.error().message);
  CHECK(bundle->hubs == 3);
  relay.check_fetched(*bundle);
  relay.network.hub(2).lie = Lie::refuses_shares;
  REQUIRE_FALSE(relay.establish());
}

TEST_CASE("PSRD secrets: a hub that has restarted gets the same share, encrypted under a fresh pad") {
  Relay relay;
  REQUIRE(relay.network.locate(*relay.carol, sae_id("celia")));
  relay.network.loop.run_for(seconds(5));
  relay.network.hub(1).restart();
  const auto bundle = relay.establish();
  REQUIRE(bundle);
  CHECK(relay.network.hub(1).shares().contains(bundle->context.name()));
  CHECK(relay.network.hub(1).shares_from_psrd == 0);
  CHECK(relay.from_psrd() == 2);
  for (const std::size_t other : {0U, 2U}) relay.network.weather(other).reachable = false;
  relay.check_fetched(*bundle);
}

}  // namespace
}  // namespace dske::test
