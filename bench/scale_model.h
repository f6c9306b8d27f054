// A large network by arithmetic: what each hub and each KME has to do, from the cost of one bundle and of one
// request.
//
// Assumed: every client has `pairs_per_client` pairs as a master and as many as a slave, all as busy as each
// other; each pair's bundles go over `shares` hubs; clients are spread over the hubs evenly; all costs are
// CPU time of one core and add up.
#pragma once

#include <cstdint>

namespace dske::bench {

/// CPU seconds for one bundle.
struct BundleCost {
  double per_bundle = 0;
  double per_byte = 0;  ///< of one share

  [[nodiscard]] double of(double share_bytes) const { return per_bundle + per_byte * share_bytes; }
};

struct ScaleCosts {
  BundleCost initiator;
  BundleCost hub;  ///< taking a share and giving it out, the confirmation included
  BundleCost responder;
  double per_request = 0;  ///< of one enc_keys or dec_keys that is answered at once
};

struct ScaleNetwork {
  std::uint64_t clients = 1000;
  std::uint64_t pairs_per_client = 10;  ///< in which it is the master
  std::uint64_t keys_per_pair_and_hour = 30;
  std::uint64_t shares = 5;  ///< n, the hubs that one bundle crosses
  std::uint64_t keys_per_bundle = 128;
  std::uint64_t key_bytes = 32;
  std::uint64_t keys_per_request = 1;
  std::uint64_t stored_keys_per_pair = 32;
  std::uint64_t waiting_seconds = 1;  ///< that a bundle lies at a hub until its confirmation
  std::uint64_t cores = 1;            ///< of each node
};

/// All of one node where nothing else is said; averages over nodes of a kind.
struct ScaleLoad {
  double keys_per_second = 0;     ///< of the whole network
  double bundles_per_second = 0;  ///< of the whole network
  double share_bytes = 0;         ///< of one bundle

  double hub_bundles_per_second = 0;
  double hub_utilisation = 0;  ///< 1 is all of its cores
  double kme_utilisation = 0;
  double keys_per_second_until_hub_is_full = 0;  ///< of the whole network
  double keys_per_second_until_kme_is_full = 0;

  double psrd_sent_per_key = 0;            ///< bytes by a master's KME, per hub that the key crosses
  double psrd_received_per_key = 0;        ///< bytes by a slave's KME, likewise
  double psrd_per_day_client_and_hub = 0;  ///< bytes, both halves, averaged over the hubs that it uses
  double hub_store_bytes = 0;
  double kme_store_bytes = 0;
};

/// REQUIRES: no member of `network` but stored_keys_per_pair and waiting_seconds is 0, hubs >= shares.
[[nodiscard]] ScaleLoad load_of(const ScaleNetwork& network, std::uint64_t hubs, const ScaleCosts& costs);

// What the arithmetic takes from the protocol and the stores (docs/protocol.md, docs/storage.md).
inline constexpr double kSecretTagBytes = 32;          ///< u, shared together with the keys
inline constexpr double kAuthenticatorBytes = 32;      ///< of each message and of each answer
inline constexpr double kBundlesPerConfirmation = 16;  ///< under load; confirmations are gathered
inline constexpr double kWaitingOverheadBytes = 600;   ///< of a waiting share: context, tag, row and index
inline constexpr double kStoredKeyOverheadBytes = 32;  ///< of a stored key, its part of the bundle's row

}  // namespace dske::bench
