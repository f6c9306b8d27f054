// The topology file: which hubs and KMEs a network has, and which SAEs (encryptors) each KME serves.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/result.h"

namespace dske::manager {

inline constexpr std::uint16_t kDefaultBasePort = 8100;
/// The management interface of a node listens this much above its port.
inline constexpr std::uint16_t kManagementPortOffset = 1000;
inline constexpr std::uint16_t kPortMost = 65535 - kManagementPortOffset;

struct HubSpec {
  HubName name;
  std::string address = "127.0.0.1";  ///< numeric; where it listens
  std::optional<std::uint16_t> port;  ///< nothing: assigned (manager/ports.h)
  std::string endpoint;               ///< the URL that clients use; empty: that of address and port
};

struct ClientSpec {
  ClientName name;
  std::string address = "127.0.0.1";
  std::optional<std::uint16_t> port;
  std::vector<SaeId> encryptors;  ///< at least one
};

/// Sizes of the two halves of one PSRD block, in bytes.
struct PsrdSizes {
  std::int64_t client_bytes = 262144;
  std::int64_t hub_bytes = 262144;
  int client_authenticator_percent = 25;  ///< how much of the client's half is for authenticators
  int hub_authenticator_percent = 25;
};

/// The process that carries PSRD files between the nodes of this host (manager/courier.h).
struct CourierSpec {
  std::int64_t high_mark_blocks = 4;  ///< per hub: a KME with as many is brought no more
  std::chrono::seconds interval{2};   ///< between its rounds
};

/// The key store of every KME (kme/key_store_config.h); what is not given has its default there.
struct KeyStoreSpec {
  std::optional<bool> enabled;
  std::optional<std::int64_t> minimum_keys;
  std::optional<std::int64_t> maximum_keys;
  std::optional<std::int64_t> maximum_keys_in_all;
  std::optional<std::int64_t> demand_seconds;
  std::optional<std::int64_t> idle_seconds;
};

inline constexpr std::int64_t kPsrdBytesLeast = 4096;
inline constexpr std::int64_t kPsrdBytesMost = std::int64_t{64} << 20;

/// A topology that has passed every check: at least two hubs and one client, hub names, client names, ports
/// and SAE IDs unique, shares_required between 2 and the number of hubs.
struct Topology {
  std::filesystem::path file;
  std::filesystem::path state_dir;  ///< absolute; `run` beside the file by default
  std::uint16_t base_port = kDefaultBasePort;
  std::optional<std::int64_t> shares_required;
  PsrdSizes psrd;
  std::optional<CourierSpec> courier;
  KeyStoreSpec key_store;
  std::int64_t key_size_bits = 256;
  std::int64_t key_lifetime_seconds = 86400;
  std::vector<HubSpec> hubs;
  std::vector<ClientSpec> clients;

  /// The client that serves this SAE, or null.
  [[nodiscard]] const ClientSpec* client_of_sae(std::string_view sae_id) const;
};

/// Every error begins with FILE:LINE:COLUMN.
[[nodiscard]] Result<Topology> parse_topology(std::string_view text, const std::filesystem::path& file);
[[nodiscard]] Result<Topology> read_topology(const std::filesystem::path& file);

}  // namespace dske::manager
