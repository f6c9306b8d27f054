// What `status` knows of the whole network at one moment, and its JSON form.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "manager/courier_process.h"
#include "manager/management_client.h"
#include "manager/network.h"

namespace dske::manager {

/// What has become of a node, as far as this host can see.
enum class NodeState {
  ready,
  not_ready,      ///< it answers, and says that it cannot do its work yet
  not_answering,  ///< its process lives, its management interface does not answer
  dead,           ///< it was started and has ended without being stopped
  stopped,
  remote,  ///< it runs on another host, where its management interface is
};

[[nodiscard]] const char* state_text(NodeState state);

struct NodeReport {
  Node node;
  NodeState state = NodeState::stopped;
  std::optional<std::int64_t> pid;
  std::optional<NodeStatus> status;  ///< if it answered
  std::string reason;                ///< why it is not answering or not ready, if that is known
};

/// Asks the selected nodes, all at once.
[[nodiscard]] std::vector<NodeReport> collect_reports(const Network& network, const Selection& selection);

/// {"nodes": [{"type", "name", "pid", "state", "url", "mgmt_url", "uptime_seconds", "psrd": [...],
/// "warnings": [...]}], "courier": {"state", "pid"}}; pid and uptime_seconds are null where there is none.
/// docs/manager.md describes it.
[[nodiscard]] std::string reports_json(const std::vector<NodeReport>& reports, const CourierReport& courier);

}  // namespace dske::manager
