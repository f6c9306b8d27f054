// Calls to the management interfaces of hubs and KMEs (docs/management.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "http/client.h"
#include "manager/node.h"
#include "manager/topology.h"

namespace dske::manager {

struct ZoneLevel {
  std::int64_t left_bytes = 0;
  std::int64_t total_bytes = 0;
};

/// The PSRD that one client and one hub share.
struct PsrdLevel {
  std::int64_t blocks = 0;
  double percent = 0;  ///< the scarcest zone's
  ZoneLevel client_authenticator;
  ZoneLevel client_pad;
  ZoneLevel hub_authenticator;
  ZoneLevel hub_pad;
};

/// A hub's client or a KME's hub.
struct PeerStatus {
  std::string name;
  std::string
      state;  ///< of a hub at a KME: registered ...; of a client at a hub: registered or not registered
  std::string error;
  std::vector<std::string> sae_ids;  ///< bound to a client
  std::int64_t wrong_shares = 0;
  PsrdLevel psrd;
};

/// What both kinds of node tell of themselves.
struct NodeStatus {
  std::int64_t pid = 0;
  std::string state;  ///< ready or not ready
  std::int64_t uptime_seconds = 0;
  std::string version;
  std::vector<PeerStatus> peers;
  std::vector<std::string> warnings;
};

/// Whether a node can do its work.
struct Readiness {
  bool ready = false;
  std::string reason;
};

/// Reads a status answer of either kind of node.
[[nodiscard]] Result<NodeStatus> parse_status(std::string_view body, NodeKind kind);

/// One node's interface over one kept-alive connection. ErrorKind::unavailable when it does not answer. Not
/// thread-safe.
class ManagementClient {
 public:
  explicit ManagementClient(Node node) : node_(std::move(node)) {}

  [[nodiscard]] Result<Readiness> readiness();
  [[nodiscard]] Result<NodeStatus> status();
  [[nodiscard]] Result<void> stop();
  /// On a hub: makes the client if there is none and binds its SAEs.
  [[nodiscard]] Result<void> put_client(const std::string& name, const std::vector<SaeId>& saes);
  /// On a hub: makes a PSRD block for a client; its file.
  [[nodiscard]] Result<std::filesystem::path> assign_psrd(const std::string& client, const PsrdSizes& sizes);
  /// On a KME: ingests a PSRD file.
  [[nodiscard]] Result<void> ingest_psrd(const std::filesystem::path& file);

 private:
  /// An answer with a 2xx status; otherwise an error with the answer's message.
  [[nodiscard]] Result<http::Answer> call(const std::string& method, const std::string& path,
                                          const std::string& body, std::chrono::milliseconds timeout);
  [[nodiscard]] Result<std::string> token() const;

  Node node_;
  http::BlockingClient client_;
};

}  // namespace dske::manager
