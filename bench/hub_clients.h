// Many clients of one hub, in this process.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include "bench/hub_client.h"

namespace dske::bench {

/// Each client has a connection of its own while it calls: no more share a loop than that has connections.
class HubClients {
 public:
  HubClients() = default;
  ~HubClients();
  HubClients(const HubClients&) = delete;
  HubClients& operator=(const HubClients&) = delete;

  /// Opens clients with their PSRD files.
  [[nodiscard]] Result<void> add(const std::vector<std::filesystem::path>& psrd_files);
  /// Registers those that were added last, all at once; how long it took until the last was registered. From
  /// then on they stay.
  [[nodiscard]] Result<std::chrono::duration<double>> enter();

 private:
  std::vector<std::unique_ptr<http::ClientLoop>> loops_;
  std::vector<std::unique_ptr<HubClient>> clients_;
  std::size_t entered_ = 0;
};

}  // namespace dske::bench
