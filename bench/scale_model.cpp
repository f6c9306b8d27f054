#include "bench/scale_model.h"

namespace dske::bench {
namespace {

constexpr double kSecondsPerHour = 3600;
constexpr double kSecondsPerDay = 86400;

double real(std::uint64_t count) {
  return static_cast<double>(count);
}

}  // namespace

ScaleLoad load_of(const ScaleNetwork& network, std::uint64_t hubs, const ScaleCosts& costs) {
  ScaleLoad load;
  const double clients = real(network.clients);
  const double bundle_keys = real(network.keys_per_bundle);
  const double shares = real(network.shares);
  const double cores = real(network.cores);
  load.keys_per_second =
      clients * real(network.pairs_per_client) * real(network.keys_per_pair_and_hour) / kSecondsPerHour;
  load.bundles_per_second = load.keys_per_second / bundle_keys;
  load.share_bytes = kSecretTagBytes + bundle_keys * real(network.key_bytes);

  load.hub_bundles_per_second = load.bundles_per_second * shares / real(hubs);
  load.hub_utilisation = load.hub_bundles_per_second * costs.hub.of(load.share_bytes) / cores;
  // Each bundle has one initiator and one responder, each key one place in a request at either end.
  const double kme_bundles = load.bundles_per_second / clients;
  const double kme_requests = 2 * load.keys_per_second / clients / real(network.keys_per_request);
  load.kme_utilisation =
      (kme_bundles * (costs.initiator.of(load.share_bytes) + costs.responder.of(load.share_bytes)) +
       kme_requests * costs.per_request) /
      cores;
  if (load.hub_utilisation > 0)
    load.keys_per_second_until_hub_is_full = load.keys_per_second / load.hub_utilisation;
  if (load.kme_utilisation > 0)
    load.keys_per_second_until_kme_is_full = load.keys_per_second / load.kme_utilisation;

  // POST key-share: pad and authenticator sent, the answer's authenticator received. GET key-share: its
  // authenticator sent, the answer's and the pad received. A confirmation: one authenticator each way.
  const double confirmation = kAuthenticatorBytes / kBundlesPerConfirmation;
  load.psrd_sent_per_key = (load.share_bytes + kAuthenticatorBytes) / bundle_keys;
  load.psrd_received_per_key = (load.share_bytes + kAuthenticatorBytes + confirmation) / bundle_keys;
  const double other_half_per_key = (2 * kAuthenticatorBytes + confirmation) / bundle_keys;
  const double keys_per_client_and_day =
      load.keys_per_second / clients * kSecondsPerDay;  // as a master, and as many as a slave
  load.psrd_per_day_client_and_hub =
      keys_per_client_and_day * shares / real(hubs) *
      (load.psrd_sent_per_key + load.psrd_received_per_key + other_half_per_key);

  load.hub_store_bytes = load.hub_bundles_per_second * real(network.waiting_seconds) *
                         (load.share_bytes + kWaitingOverheadBytes);
  // Ready keys lie at the master's KME and, fetched ahead, at the slave's.
  load.kme_store_bytes = 2 * real(network.pairs_per_client) * real(network.stored_keys_per_pair) *
                         (real(network.key_bytes) + kStoredKeyOverheadBytes);
  return load;
}

}  // namespace dske::bench
