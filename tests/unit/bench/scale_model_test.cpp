#include "bench/scale_model.h"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace dske::bench;

namespace {

ScaleCosts some_costs() {
  ScaleCosts costs;
  costs.initiator = {500e-6, 10e-9};
  costs.hub = {200e-6, 5e-9};
  costs.responder = {400e-6, 8e-9};
  costs.per_request = 20e-6;
  return costs;
}

}  // namespace

TEST_CASE("the load of a network that can be worked out by hand") {
  ScaleNetwork network;
  network.clients = 100;
  network.pairs_per_client = 36;
  network.keys_per_pair_and_hour = 100;  // 100 keys/s in all
  network.keys_per_bundle = 1;
  network.shares = 5;
  network.stored_keys_per_pair = 10;
  network.waiting_seconds = 3;
  ScaleCosts costs;
  costs.initiator.per_bundle = 1e-3;
  costs.responder.per_bundle = 2e-3;
  costs.hub.per_bundle = 4e-3;
  costs.per_request = 0.5e-3;
  const ScaleLoad load = load_of(network, 10, costs);
  CHECK(load.keys_per_second == doctest::Approx(100));
  CHECK(load.bundles_per_second == doctest::Approx(100));
  CHECK(load.share_bytes == 64);
  CHECK(load.hub_bundles_per_second == doctest::Approx(50));
  CHECK(load.hub_utilisation == doctest::Approx(0.2));
  CHECK(load.keys_per_second_until_hub_is_full == doctest::Approx(500));
  // A key a second as a master and one as a slave: 1 + 2 ms for bundles, 2 * 0.5 ms for requests.
  CHECK(load.kme_utilisation == doctest::Approx(0.004));
  CHECK(load.keys_per_second_until_kme_is_full == doctest::Approx(25000));
  // As docs/performance.md has it measured: 96 bytes sent and 32 received, 34 sent and 98 received.
  CHECK(load.psrd_sent_per_key == doctest::Approx(96));
  CHECK(load.psrd_received_per_key == doctest::Approx(98));
  CHECK(load.psrd_per_day_client_and_hub == doctest::Approx(86400 * 0.5 * (96 + 32 + 34 + 98)));
  CHECK(load.hub_store_bytes == doctest::Approx(50 * 3 * (64 + kWaitingOverheadBytes)));
  CHECK(load.kme_store_bytes == doctest::Approx(2 * 36 * 10 * (32 + kStoredKeyOverheadBytes)));
}

TEST_CASE("PSRD per key is never below the lower bound, and comes near it with large bundles") {
  for (const std::uint64_t key_bytes : {1U, 16U, 32U, 8192U}) {
    double before = 1e300;
    for (const std::uint64_t bundle : {1U, 2U, 128U, 1024U, 65536U}) {
      ScaleNetwork network;
      network.key_bytes = key_bytes;
      network.keys_per_bundle = bundle;
      const ScaleLoad load = load_of(network, network.shares, some_costs());
      const double bound = static_cast<double>(key_bytes);
      CHECK(load.psrd_sent_per_key > bound);
      CHECK(load.psrd_received_per_key > bound);
      CHECK(load.psrd_sent_per_key < before);
      before = load.psrd_sent_per_key;
    }
    CHECK(before < static_cast<double>(key_bytes) + 0.001);
  }
}

TEST_CASE("twice the clients are twice the load of each hub and none more of each KME") {
  ScaleNetwork network;
  const ScaleLoad once = load_of(network, 20, some_costs());
  network.clients *= 2;
  const ScaleLoad twice = load_of(network, 20, some_costs());
  CHECK(twice.hub_utilisation == doctest::Approx(2 * once.hub_utilisation));
  CHECK(twice.hub_store_bytes == doctest::Approx(2 * once.hub_store_bytes));
  CHECK(twice.kme_utilisation == doctest::Approx(once.kme_utilisation));
  CHECK(twice.psrd_per_day_client_and_hub == doctest::Approx(once.psrd_per_day_client_and_hub));
  CHECK(twice.keys_per_second_until_hub_is_full == doctest::Approx(once.keys_per_second_until_hub_is_full));
}

TEST_CASE("twice the hubs are half the load of each, and all hubs together do the same") {
  const ScaleNetwork network;
  for (std::uint64_t hubs = network.shares; hubs < 1000; hubs *= 2) {
    const ScaleLoad once = load_of(network, hubs, some_costs());
    const ScaleLoad twice = load_of(network, 2 * hubs, some_costs());
    CHECK(twice.hub_utilisation == doctest::Approx(once.hub_utilisation / 2));
    CHECK(twice.psrd_per_day_client_and_hub == doctest::Approx(once.psrd_per_day_client_and_hub / 2));
    CHECK(twice.keys_per_second_until_hub_is_full ==
          doctest::Approx(2 * once.keys_per_second_until_hub_is_full));
    CHECK(once.hub_bundles_per_second * static_cast<double>(hubs) ==
          doctest::Approx(once.bundles_per_second * static_cast<double>(network.shares)));
  }
}

TEST_CASE("at the rate that fills a hub its load is all of its cores") {
  ScaleNetwork network;
  network.cores = 2;
  const ScaleLoad load = load_of(network, 8, some_costs());
  const double factor = load.keys_per_second_until_hub_is_full / load.keys_per_second;
  CHECK(load.hub_utilisation * factor == doctest::Approx(1));
}
