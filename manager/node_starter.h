// Bringing one node up: its state, its process, its readiness.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "manager/management_client.h"
#include "manager/node.h"

namespace dske::manager {

/// Starts one node of this host and follows it until it is ready. Used by one thread.
class NodeStarter {
 public:
  /// `programs` is the directory of dske-hub and dske-kme.
  NodeStarter(const Node& node, std::filesystem::path programs);

  /// Whether its process lives, or something answers as this node (it was started by hand).
  [[nodiscard]] bool is_running();
  /// Nothing, or an error that names a port of the node's that another process has.
  [[nodiscard]] Result<void> check_ports() const;
  [[nodiscard]] bool is_initialised() const;

  /// Runs `init` unless the state directory has been initialised.
  [[nodiscard]] Result<void> initialise();
  /// Starts the daemon and records its pid.
  [[nodiscard]] Result<void> launch();
  /// Waits until the node says that it is ready. A daemon that ends meanwhile is reported with the end of its
  /// log.
  [[nodiscard]] Result<void> await_ready();

  [[nodiscard]] ManagementClient& management() { return management_; }

 private:
  [[nodiscard]] std::string program() const;
  [[nodiscard]] Error with_log(Error error) const;

  Node node_;
  std::filesystem::path programs_;
  ManagementClient management_;
  std::uintmax_t log_offset_ = 0;  // where this start's lines begin
  pid_t child_ = 0;                // 0: not started by this one
};

}  // namespace dske::manager
