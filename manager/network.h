// The network of one topology file: its nodes with ports and files, and its run directory.
//
// RUN/                     `run` beside the topology file (state_dir), 0700
//   topology.json          the node names that this directory belongs to
//   ports.json             manager/ports.h
//   pki/                   manager/pki.h
//   hub/NAME/ kme/NAME/    each node's state directory with its own configuration
//   log/{hub,kme}-NAME.log
//   pid/{hub,kme}-NAME     manager/node_process.h
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "manager/node.h"
#include "manager/topology.h"

namespace dske::manager {

class Network {
 public:
  /// Works out the nodes. Reads the run directory and changes nothing. ErrorKind::conflict if it belongs to
  /// another topology: nodes may be added or may be removed, but not both at once, which is what another
  /// topology looks like.
  [[nodiscard]] static Result<Network> open(Topology topology);

  /// Makes the run directory, locks it against other managers until the lock's destruction, and records names
  /// and ports.
  [[nodiscard]] Result<DirectoryLock> claim() const;

  [[nodiscard]] const Topology& topology() const { return topology_; }
  [[nodiscard]] const std::vector<Node>& nodes() const {
    return nodes_;
  }  ///< hubs, then clients, in the file's order
  [[nodiscard]] const Node* find(NodeKind kind, std::string_view name) const;
  /// A node by "hub/NAME", "client/NAME" or just NAME (of either kind, if only one has it).
  [[nodiscard]] Result<const Node*> named(const std::string& text) const;
  [[nodiscard]] const ClientSpec& client_spec(const Node& client) const;

  [[nodiscard]] std::filesystem::path pki_directory() const { return topology_.state_dir / "pki"; }
  /// How the nodes' names are listed in messages: "hub/hank, hub/helen ...".
  [[nodiscard]] std::string names() const;

 private:
  explicit Network(Topology topology) : topology_(std::move(topology)) {}
  [[nodiscard]] Node make_node(NodeKind kind, const std::string& name, const std::string& address,
                               std::uint16_t port) const;

  Topology topology_;
  std::vector<Node> nodes_;
};

/// The nodes that a command is about.
struct Selection {
  std::vector<std::string> hubs;     ///< --hub
  std::vector<std::string> clients;  ///< --client

  [[nodiscard]] bool is_everything() const { return hubs.empty() && clients.empty(); }
  [[nodiscard]] bool has(const Node& node) const;
};

/// Nothing, or an error for the first name that the network does not have.
[[nodiscard]] Result<void> check_selection(const Network& network, const Selection& selection);

}  // namespace dske::manager
