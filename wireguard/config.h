// The adapter's configuration (docs/wireguard.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "wireguard/public_key.h"
#include "wireguard/split_trust.h"
#include "wireguard/timings.h"

namespace dske::wireguard {

struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string ca;
  std::string crl;  ///< empty: certificates are not looked up in one
  bool operator==(const TlsFiles&) const = default;
};

struct PeerConfig {
  PublicKey public_key;
  SaeId sae;        ///< whom the other end's adapter is, by its certificate
  std::string url;  ///< of the other end's adapter, "https://192.0.2.7:7443"; empty: it connects to this one
  bool keep_initial_key = false;
  SplitTrust trust;
  bool operator==(const PeerConfig&) const = default;
};

enum class DeviceKind {
  automatic,  ///< a userspace device while one listens, otherwise the kernel's
  userspace,
  kernel
};

struct InterfaceConfig {
  std::string name;
  DeviceKind kind = DeviceKind::automatic;
  std::string uapi_socket;  ///< where a userspace implementation listens, if one does
  std::vector<PeerConfig> peers;
};

struct Config {
  std::filesystem::path file;
  std::filesystem::path state_dir;
  std::string user;  ///< to become, when started as root; empty: stay
  std::string log_level;
  SaeId sae;
  TlsFiles tls;  ///< as SAE, towards other adapters and the KME
  std::string kme_url;
  std::vector<std::string> hubs;  ///< behind the KME, as the operator names them to other adapters
  TlsFiles kme_tls;
  std::string address;     ///< to listen on for other adapters
  std::uint16_t port = 0;  ///< 0: do not listen
  Timings timings;
  std::vector<InterfaceConfig> interfaces;
};

/// The members that have changed between two configurations and are not followed by an adapter that runs:
/// all but interfaces, peers and what is theirs unless they say otherwise.
[[nodiscard]] std::vector<std::string> changed_for_next_start(const Config& before, const Config& after);

/// Every error names the file's line.
[[nodiscard]] Result<Config> read_config(const std::filesystem::path& file);
[[nodiscard]] Result<Config> parse_config(std::string_view text, const std::filesystem::path& file);

}  // namespace dske::wireguard
