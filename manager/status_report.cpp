#include "manager/status_report.h"

#include <algorithm>

#include "base/json.h"
#include "manager/node_process.h"
#include "manager/parallel.h"

namespace dske::manager {
namespace {

NodeReport report_on(const Node& node) {
  NodeReport report;
  report.node = node;
  if (!node.is_local) {
    report.state = NodeState::remote;
    return report;
  }
  const auto recorded = read_pid_file(node.pid_file);
  const bool lives = recorded && identify_process(recorded->pid) == *recorded;
  if (lives) report.pid = recorded->pid;

  ManagementClient client(node);
  auto status = client.status();
  if (status) {
    report.pid = status->pid;
    report.state = status->state == "ready" ? NodeState::ready : NodeState::not_ready;
    report.status = std::move(*status);
    if (report.state == NodeState::not_ready) {
      if (const auto readiness = client.readiness()) report.reason = readiness->reason;
    }
  } else if (lives) {
    report.state = NodeState::not_answering;
    report.reason = status.error().message;
  } else {
    report.state = recorded ? NodeState::dead : NodeState::stopped;
  }
  return report;
}

// Peers in the topology's order; those that it does not have come last.
void sort_peers(const Network& network, NodeReport& report) {
  if (!report.status) return;
  const NodeKind kind = report.node.kind == NodeKind::hub ? NodeKind::client : NodeKind::hub;
  const auto place = [&](const PeerStatus& peer) {
    const Node* const node = network.find(kind, peer.name);
    return node == nullptr ? network.nodes().size() : static_cast<std::size_t>(node - network.nodes().data());
  };
  std::stable_sort(report.status->peers.begin(), report.status->peers.end(),
                   [&](const PeerStatus& a, const PeerStatus& b) { return place(a) < place(b); });
}

void write_zone(json::Writer& writer, const char* name, const ZoneLevel& zone) {
  writer.name(name).begin_object().name("left_bytes").integer(zone.left_bytes);
  writer.name("total_bytes").integer(zone.total_bytes).end_object();
}

void write_peer(json::Writer& writer, const PeerStatus& peer, NodeKind kind) {
  writer.begin_object().name(kind == NodeKind::hub ? "client" : "hub").string(peer.name);
  writer.name("state").string(peer.state);
  writer.name("blocks").integer(peer.psrd.blocks).name("level_percent").number(peer.psrd.percent);
  write_zone(writer, "client_authenticator", peer.psrd.client_authenticator);
  write_zone(writer, "client_pad", peer.psrd.client_pad);
  write_zone(writer, "hub_authenticator", peer.psrd.hub_authenticator);
  write_zone(writer, "hub_pad", peer.psrd.hub_pad);
  writer.end_object();
}

void write_report(json::Writer& writer, const NodeReport& report) {
  writer.begin_object()
      .name("type")
      .string(kind_text(report.node.kind))
      .name("name")
      .string(report.node.name);
  writer.name("pid");
  report.pid ? writer.integer(*report.pid) : writer.null();
  writer.name("state").string(state_text(report.state)).name("reason").string(report.reason);
  writer.name("url").string(report.node.url).name("mgmt_url").string(report.node.management_url);
  writer.name("uptime_seconds");
  report.status ? writer.integer(report.status->uptime_seconds) : writer.null();
  writer.name("psrd").begin_array();
  if (report.status) {
    for (const PeerStatus& peer : report.status->peers) write_peer(writer, peer, report.node.kind);
  }
  writer.end_array().name("warnings").begin_array();
  if (report.status) {
    for (const std::string& warning : report.status->warnings) writer.string(warning);
  }
  writer.end_array().end_object();
}

}  // namespace

const char* state_text(NodeState state) {
  switch (state) {
    case NodeState::ready:
      return "ready";
    case NodeState::not_ready:
      return "not ready";
    case NodeState::not_answering:
      return "not answering";
    case NodeState::dead:
      return "dead";
    case NodeState::stopped:
      return "stopped";
    case NodeState::remote:
      return "remote";
  }
  return "";
}

std::vector<NodeReport> collect_reports(const Network& network, const Selection& selection) {
  std::vector<NodeReport> reports;
  for (const Node& node : network.nodes()) {
    if (selection.has(node)) reports.push_back({node, NodeState::stopped, {}, {}, {}});
  }
  for_each_in_parallel(reports.size(), [&](std::size_t i) {
    reports[i] = report_on(reports[i].node);
    sort_peers(network, reports[i]);
  });
  return reports;
}

std::string reports_json(const std::vector<NodeReport>& reports, const CourierReport& courier) {
  json::Writer writer;
  writer.begin_object().name("nodes").begin_array();
  for (const NodeReport& report : reports) write_report(writer, report);
  writer.end_array()
      .name("courier")
      .begin_object()
      .name("state")
      .string(state_text(courier.state))
      .name("pid");
  courier.pid ? writer.integer(*courier.pid) : writer.null();
  writer.end_object().end_object();
  return writer.take_text();
}

}  // namespace dske::manager
