#include <doctest/doctest.h>

#include "simulated_network.h"

namespace dske::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct Directory {
  Directory() : network(1, 5, 3), carol(network.add_client("carol")), celia(network.add_client("celia")) {
    network.register_all();
  }
  Result<SaeLocation> locate(const std::string& sae) { return network.locate(carol, sae_id(sae)); }
  [[nodiscard]] std::size_t sent() const {
    std::size_t sum = 0;
    for (const auto& link : carol.links()) sum += network.transport.sent(link->address().id);
    return sum;
  }

  SimulatedNetwork network;
  SimulatedClient& carol;
  SimulatedClient& celia;
};

TEST_CASE("SAE directory: k identical answers are believed, and the hubs are told where the client is") {
  Directory directory;
  const auto location = directory.locate("celia");
  REQUIRE(location);
  CHECK(location->client == client_name("celia"));
  CHECK(location->hubs.size() == 5);
}

TEST_CASE("SAE directory: fewer than k lying hubs cannot name another client") {
  Directory directory;
  for (std::size_t i = 0; i < 2; ++i) {
    directory.network.hub(i).lie = Lie::claims_saes;
    directory.network.hub(i).claimed_client = client_name("mallory");
    // They are the first to answer.
    directory.network.weather(i).most_delay = directory.network.weather(i).least_delay;
  }
  const auto location = directory.locate("celia");
  REQUIRE(location);
  CHECK(location->client == client_name("celia"));
  CHECK(location->hubs.size() == 3);
  // Nor can they make one up that nobody has.
  const auto nobody = directory.locate("nobody");
  CHECK(nobody.error().kind == ErrorKind::not_found);
}

TEST_CASE("SAE directory: when no k hubs agree the error names hubs and causes") {
  Directory directory;
  for (std::size_t i = 0; i < 3; ++i) {
    directory.network.hub(i).lie = Lie::fails;
  }
  const auto location = directory.locate("celia");
  REQUIRE_FALSE(location);
  CHECK(location.error().kind == ErrorKind::unavailable);
  CHECK(location.error().message.find("hub1: answered 500") != std::string::npos);
}

TEST_CASE("SAE directory: when fewer than k hubs could answer, none is asked") {
  SimulatedNetwork network(1, 5, 3);
  SimulatedClient& carol = network.add_client("carol");
  const auto location = network.locate(carol, sae_id("celia"));
  REQUIRE_FALSE(location);
  CHECK(location.error().kind == ErrorKind::unavailable);
  CHECK(location.error().message.find("hub1: ") != std::string::npos);
  for (const auto& link : carol.links()) CHECK(network.transport.sent(link->address().id) == 0);
}

TEST_CASE("SAE directory: an SAE that k hubs do not know is not found") {
  Directory directory;
  directory.network.hub(0).lie = Lie::fails;
  CHECK(directory.locate("nobody").error().kind == ErrorKind::not_found);
}

TEST_CASE("SAE directory: a slow hub is waited for a short time only, a silent one too") {
  Directory directory;
  Weather& slow = directory.network.weather(0);
  slow.least_delay = slow.most_delay = std::chrono::milliseconds(150);
  directory.network.hub(1).lie = Lie::silent;
  const MonotonicTime begin = directory.network.clock.now();
  const auto location = directory.locate("celia");
  REQUIRE(location);
  CHECK(directory.network.clock.now() - begin < std::chrono::milliseconds(250));
  CHECK(location->hubs.size() == 3);  // there and back are 300 ms
}

TEST_CASE(
    "SAE directory: hubs where the client is not registered do not cut short the wait for k where it is") {
  Directory directory;
  for (std::size_t i = 0; i < 2; ++i)
    directory.celia.link(i).leave(HubLink::Leaving::keep_psrd, [](const Result<void>& left) { CHECK(left); });
  directory.network.loop.run_for(seconds(1));
  for (std::size_t i = 0; i < 5; ++i) {
    Weather& weather = directory.network.weather(i);
    weather.least_delay = weather.most_delay = std::chrono::milliseconds(i < 3 ? 5 : 150);
  }
  const auto location = directory.locate("celia");
  REQUIRE(location);
  CHECK(location->hubs.size() >= 3);
}

TEST_CASE("SAE directory: an answer of all hubs is remembered for ten minutes") {
  Directory directory;
  REQUIRE(directory.locate("celia"));
  const std::size_t asked = directory.sent();
  directory.network.loop.run_for(minutes(9));
  REQUIRE(directory.locate("celia"));
  CHECK(directory.sent() == asked);
  directory.network.loop.run_for(minutes(2));
  CHECK_FALSE(directory.carol.directory().is_known(sae_id("celia")));
  REQUIRE(directory.locate("celia"));
  CHECK(directory.sent() == asked + 5);
}

TEST_CASE("SAE directory: what a hub did not answer to is asked again sooner") {
  Directory directory;
  directory.network.weather(0).loses_answer = 1;
  const auto first = directory.locate("celia");
  REQUIRE(first);
  CHECK(first->hubs.size() == 4);
  directory.network.weather(0).loses_answer = 0;
  directory.network.loop.run_for(minutes(2));
  CHECK(directory.locate("celia")->hubs.size() == 5);
}

TEST_CASE("SAE directory: a hub that did not answer is asked again as soon as it is registered with") {
  Directory directory;
  directory.network.weather(0).loses_answer = 1;
  REQUIRE(directory.locate("celia")->hubs.size() == 4);
  directory.network.weather(0).loses_answer = 0;
  directory.network.loop.run_for(seconds(3));
  REQUIRE(directory.carol.link(0).registered());
  CHECK(directory.carol.directory().remembered(sae_id("celia")) == nullptr);
  CHECK(directory.carol.directory().is_known(sae_id("celia")));
  CHECK(directory.locate("celia")->hubs.size() == 5);
}

TEST_CASE("SAE directory: hubs that have restarted are asked again after the new registration") {
  Directory directory;
  for (std::size_t i = 0; i < 5; ++i) directory.network.hub(i).restart();
  const auto location = directory.locate("celia");
  REQUIRE(location);
  CHECK(location->client == client_name("celia"));
}

TEST_CASE("SAE directory: many who ask at once cost one question") {
  Directory directory;
  const std::size_t before = directory.sent();
  int answered = 0;
  for (int i = 0; i < 10; ++i) {
    directory.carol.directory().locate(sae_id("celia"), [&](const Result<SaeLocation>& location) {
      CHECK(location.has_value());
      ++answered;
    });
  }
  directory.network.loop.run_for(seconds(1));
  CHECK(answered == 10);
  CHECK(directory.sent() == before + 5);
}

TEST_CASE("SAE directory: what was forgotten is asked again") {
  Directory directory;
  REQUIRE(directory.locate("celia"));
  CHECK(directory.carol.directory().remembered(sae_id("celia")) != nullptr);
  directory.carol.directory().forget(sae_id("celia"));
  CHECK(directory.carol.directory().remembered(sae_id("celia")) == nullptr);
}

}  // namespace
}  // namespace dske::test
