// Reports on a small network, made by hand.
#pragma once

#include <string>
#include <utility>

#include "manager/status_report.h"

namespace dske::manager::test {

inline PsrdLevel level_of(double percent) {
  PsrdLevel level;
  level.blocks = 1;
  level.percent = percent;
  level.client_authenticator = {static_cast<std::int64_t>(65536 * percent / 100), 65536};
  level.client_pad = {196608, 196608};
  level.hub_authenticator = {65536, 65536};
  level.hub_pad = {196608, 196608};
  return level;
}

inline NodeReport report_of(NodeKind kind, const std::string& name, std::uint16_t port) {
  NodeReport report;
  report.node.kind = kind;
  report.node.name = name;
  report.node.port = port;
  report.node.url = "http://127.0.0.1:" + std::to_string(port);
  report.node.management_url = "http://127.0.0.1:" + std::to_string(port + 1000);
  return report;
}

/// The same with an answer: it is ready and has these peers.
inline NodeReport ready_report(NodeKind kind, const std::string& name, std::uint16_t port,
                               std::vector<std::pair<std::string, double>> peers) {
  NodeReport report = report_of(kind, name, port);
  report.state = NodeState::ready;
  report.pid = 4000 + port;
  NodeStatus status;
  status.pid = 4000 + port;
  status.state = "ready";
  status.uptime_seconds = 125;
  for (auto& [peer, percent] : peers) {
    PeerStatus made;
    made.name = peer;
    made.state = "registered";
    if (percent >= 0) made.psrd = level_of(percent);
    status.peers.push_back(std::move(made));
  }
  report.status = std::move(status);
  return report;
}

}  // namespace dske::manager::test
