// Which port each node has. A port once assigned is recorded, so that it stays when nodes are added or
// removed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "manager/topology.h"

namespace dske::manager {

/// What run/ports.json holds. Nodes that have left the topology keep their entry: they may come back, and
/// their port is not given to another.
struct PortRecord {
  std::uint16_t base_port = 0;  ///< from which the ports were assigned; 0 in an empty record
  std::map<std::string, std::uint16_t> hubs;
  std::map<std::string, std::uint16_t> clients;
};

/// The record with every node of the topology in it. A node's own `port` wins, then the recorded one, then
/// the next free one: hubs then clients, counting up from base_port. Another base_port than the recorded one
/// assigns anew.
[[nodiscard]] Result<PortRecord> assign_ports(const Topology& topology, const PortRecord& recorded);

/// An empty record if there is no file.
[[nodiscard]] Result<PortRecord> read_port_record(const std::filesystem::path& file);
[[nodiscard]] Result<void> write_port_record(const std::filesystem::path& file, const PortRecord& record);

}  // namespace dske::manager
