#include "manager/stopper.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/clock.h"
#include "manager/address.h"
#include "manager/console.h"
#include "manager/courier_process.h"
#include "manager/management_client.h"
#include "manager/node_process.h"
#include "manager/parallel.h"

namespace dske::manager {
namespace {

constexpr std::chrono::milliseconds kGrace{10000};
constexpr std::chrono::milliseconds kAfterKill{5000};
constexpr std::chrono::milliseconds kPollInterval{20};

// A node that is to be stopped, and the process that it is, if that is known.
struct Target {
  Node node;
  std::optional<ProcessHandle> process;
};

std::optional<ProcessHandle> living_process(const std::filesystem::path& pid_file) {
  const auto recorded = read_pid_file(pid_file);
  return recorded ? ProcessHandle::open(*recorded) : std::nullopt;
}

// Whether something answers as the node although no process is recorded: it was started by hand.
bool answers(const Node& node) {
  if (is_port_free("127.0.0.1", node.management_port)) return false;
  return ManagementClient(node).status().has_value();
}

bool stop_by_management_alone(const Node& node) {
  if (auto asked = ManagementClient(node).stop(); !asked) {
    complain(asked.error().message);
    return false;
  }
  const MonotonicTime deadline = BootClock::now() + kGrace;
  while (BootClock::now() < deadline) {
    if (is_port_free("127.0.0.1", node.management_port) && is_port_free(node.address, node.port)) return true;
    std::this_thread::sleep_for(kPollInterval);
  }
  complain(node.title() + " has not stopped; it was not started by dske-manager, end it yourself");
  return false;
}

bool stop_process(const Node& node, const ProcessHandle& process) {
  if (auto asked = ManagementClient(node).stop(); !asked) {
    if (auto sent = process.signal(SIGTERM); !sent) {
      complain(node.title() + ": " + sent.error().message);
      return false;
    }
  }
  if (process.wait_for_end(kGrace)) return true;
  complain(fmt::format("{} has not stopped after {} s and is killed", node.title(),
                       std::chrono::duration_cast<std::chrono::seconds>(kGrace).count()));
  if (auto sent = process.signal(SIGKILL); !sent) {
    complain(node.title() + ": " + sent.error().message);
    return false;
  }
  return process.wait_for_end(kAfterKill);
}

bool stop_one(const Target& target) {
  const bool stopped =
      target.process ? stop_process(target.node, *target.process) : stop_by_management_alone(target.node);
  std::error_code ignored;
  if (stopped) std::filesystem::remove(target.node.pid_file, ignored);
  return stopped;
}

// Processes that the manager started for nodes that the topology no longer has.
void add_departed(const Network& network, std::vector<Target>& clients, std::vector<Target>& hubs) {
  std::set<std::filesystem::path> known;
  for (const Node& node : network.nodes()) known.insert(node.pid_file);
  std::error_code fault;
  const std::filesystem::path directory = network.topology().state_dir / "pid";
  for (std::filesystem::directory_iterator entry(directory, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    const std::string file = entry->path().filename().string();
    const std::size_t dash = file.find('-');
    if (known.count(entry->path()) != 0 || dash == std::string::npos) continue;
    auto process = living_process(entry->path());
    if (!process) continue;
    Node node;
    node.kind = file.substr(0, dash) == "hub" ? NodeKind::hub : NodeKind::client;
    node.name = file.substr(dash + 1);
    node.pid_file = entry->path();
    (node.kind == NodeKind::hub ? hubs : clients).push_back({std::move(node), std::move(process)});
  }
}

void announce(const std::vector<Target>& targets) {
  for (const Target& target : targets) {
    const std::string port = target.node.port != 0 ? fmt::format(" on port {}", target.node.port) : "";
    say("Stopping " + target.node.title() + port);
  }
}

bool stop_all(const std::vector<Target>& targets) {
  std::atomic<bool> all_stopped{true};
  for_each_in_parallel(targets.size(), [&](std::size_t i) {
    if (!stop_one(targets[i])) all_stopped = false;
  });
  return all_stopped;
}

}  // namespace

bool stop_network(const Network& network, const Selection& selection) {
  if (selection.is_everything()) {
    if (auto stopped = stop_courier(network); !stopped) complain("the courier: " + stopped.error().message);
  }
  std::vector<Target> clients;
  std::vector<Target> hubs;
  const std::vector<Node> reversed(network.nodes().rbegin(), network.nodes().rend());
  for (const Node& node : reversed) {
    if (!selection.has(node) || !node.is_local) continue;
    auto process = living_process(node.pid_file);
    if (process || answers(node)) {
      (node.kind == NodeKind::hub ? hubs : clients).push_back({node, std::move(process)});
    } else {
      std::error_code ignored;
      std::filesystem::remove(node.pid_file, ignored);
    }
  }
  if (selection.is_everything()) add_departed(network, clients, hubs);
  if (clients.empty() && hubs.empty()) {
    say("No node is running");
    return true;
  }
  // Clients go first: what they still have under way needs the hubs.
  announce(clients);
  const bool clients_stopped = stop_all(clients);
  announce(hubs);
  say("Waiting for all nodes to be stopped");
  const bool hubs_stopped = stop_all(hubs);
  say(clients_stopped && hubs_stopped ? "All nodes have stopped" : "Not all nodes have stopped");
  return clients_stopped && hubs_stopped;
}

}  // namespace dske::manager
