#include "manager/starter.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/clock.h"
#include "manager/console.h"
#include "manager/courier_process.h"
#include "manager/gate.h"
#include "manager/node_config.h"
#include "manager/node_process.h"
#include "manager/node_starter.h"
#include "manager/pki.h"
#include "manager/provisioning.h"

namespace dske::manager {
namespace {

// A hub that takes longer does not hold up the KMEs: they ingest its PSRD whenever it comes.
constexpr std::chrono::milliseconds kPatienceWithHubs{3000};
constexpr std::chrono::milliseconds kPatienceWithPki{30000};
constexpr std::chrono::milliseconds kPatienceWithRegistrations{1000};
constexpr std::chrono::milliseconds kPollInterval{15};

// One node of this host in this start.
struct Task {
  const Node* node = nullptr;
  std::unique_ptr<NodeStarter> starter;
  bool selected = false;
  bool running = false;  // before this start
  bool launch = false;   // by this start
  bool fresh = false;    // it has no state yet, and no PSRD that waits for it
};

// Whether an earlier start brought PSRD that the node has not ingested yet.
bool has_waiting_psrd(const Node& node) {
  std::error_code fault;
  const std::filesystem::directory_iterator first(node.psrd_in(), fault);
  return !fault && first != std::filesystem::directory_iterator();
}

class NetworkStart {
 public:
  NetworkStart(const Network& network, const Selection& selection, std::filesystem::path programs)
      : network_(network), selection_(selection), programs_(std::move(programs)) {}

  bool run();

 private:
  void plan();
  void plan_local(const Node& node);
  void prepare_remote_nodes();
  void make_pki();
  void bring_up_hub(Task& task);
  void provision_from(Task& hub);
  void bring_up_client(Task& task);
  void await_registrations(Task& client) const;
  void fail(const Error& error);
  [[nodiscard]] Task* task_of(const Node& node);

  const Network& network_;
  const Selection& selection_;
  const std::filesystem::path programs_;
  std::vector<Task> tasks_;
  std::size_t nodes_selected_ = 0;  // of this host
  std::atomic<std::size_t> nodes_ready_{0};
  std::atomic<std::size_t> hubs_up_{0};
  std::atomic<bool> failed_{false};
  std::atomic<bool> pki_is_there_{false};
  std::unique_ptr<Gate> hubs_done_;
  Gate pki_done_{1};
};

void NetworkStart::fail(const Error& error) {
  failed_ = true;
  complain(error.message);
}

Task* NetworkStart::task_of(const Node& node) {
  for (Task& task : tasks_) {
    if (task.node == &node) return &task;
  }
  return nullptr;
}

// Says of each node what will be done, in the topology's order, before any of it is done at once.
void NetworkStart::plan() {
  for (const Node& node : network_.nodes()) {
    if (node.is_local) {
      plan_local(node);
    } else if (selection_.has(node)) {
      say(fmt::format("Not starting {} on port {}: {} is another host; copy {} there", node.title(),
                      node.port, node.address, node.directory.string()));
    }
  }
}

void NetworkStart::plan_local(const Node& node) {
  Task task;
  task.node = &node;
  task.starter = std::make_unique<NodeStarter>(node, programs_);
  task.selected = selection_.has(node);
  task.running = task.starter->is_running();
  task.fresh = !task.starter->is_initialised() && !has_waiting_psrd(node);
  if (task.selected) {
    ++nodes_selected_;
    auto change = write_config(node.config_file, config_text(network_, node, local_paths(network_, node)));
    if (!change) {
      fail(change.error());
    } else if (task.running) {
      say(fmt::format(
          "{} is already running on port {}{}", node.title(), node.port,
          *change == ConfigChange::changed ? "; its configuration has changed, `restart` applies it" : ""));
    } else if (auto free = task.starter->check_ports(); !free) {
      fail(free.error());
    } else {
      say(fmt::format("Starting {} on port {}", node.title(), node.port));
      task.launch = true;
    }
  }
  tasks_.push_back(std::move(task));
}

void NetworkStart::make_pki() {
  const Pki pki(network_.pki_directory());
  auto made = pki.init();
  auto issued = made ? pki.issue_missing(subjects_of(network_, selection_))
                     : Result<std::vector<Subject>>(made.error());
  if (issued) {
    pki_is_there_ = true;
    prepare_remote_nodes();
  } else {
    fail(issued.error());
  }
  pki_done_.count_down();
}

void NetworkStart::prepare_remote_nodes() {
  for (const Node& node : network_.nodes()) {
    if (node.is_local || !selection_.has(node)) continue;
    if (auto prepared = prepare_directory_to_copy(network_, node, node.directory); !prepared) {
      fail(prepared.error());
    }
  }
}

void NetworkStart::bring_up_hub(Task& task) {
  if (!task.launch && !task.running) return;
  if (task.launch) {
    auto begun = task.starter->initialise();
    if (begun) begun = task.starter->launch();
    if (!begun) return fail(begun.error());
  }
  if (auto ready = task.starter->await_ready(); !ready) return fail(ready.error());
  if (task.selected) ++nodes_ready_;
  ++hubs_up_;
  provision_from(task);
}

// Binds the clients that this start is about, and gives PSRD to those that are short of it.
void NetworkStart::provision_from(Task& hub) {
  ManagementClient& management = hub.starter->management();
  auto status = management.status();
  if (!status) return fail(status.error());
  for (const Node& node : network_.nodes()) {
    if (node.kind != NodeKind::client || !(hub.selected || selection_.has(node))) continue;
    if (auto bound = bind_client(management, *status, network_.client_spec(node)); !bound) {
      fail(bound.error());
      continue;
    }
    const Task* const client = task_of(node);
    const bool has_lost_its_own = client != nullptr && client->fresh;
    const PsrdSizes& sizes = network_.topology().psrd;
    if (!has_lost_its_own && !needs_psrd(*status, node.name, sizes)) continue;
    auto delivered = deliver_psrd(management, *hub.node, node.name, sizes, node.psrd_in());
    if (!delivered) fail(delivered.error());
  }
}

void NetworkStart::bring_up_client(Task& task) {
  if (!task.launch) {
    if (!task.running || !task.selected) return;
    auto ready = task.starter->await_ready();
    if (!ready) return fail(ready.error());
    ++nodes_ready_;
    return;
  }
  if (!pki_done_.wait(kPatienceWithPki) || !pki_is_there_) {
    return fail({ErrorKind::unavailable, task.node->title() + " is not started: it has no certificate"});
  }
  auto begun = task.starter->initialise();
  if (begun) {
    hubs_done_->wait(kPatienceWithHubs);
    begun = task.starter->launch();
  }
  if (begun) begun = task.starter->await_ready();
  if (!begun) return fail(begun.error());
  ++nodes_ready_;
  await_registrations(task);
}

// A KME is ready with k hubs. The others of this host follow at once, as a rule: with them it can lose some
// again.
void NetworkStart::await_registrations(Task& client) const {
  const MonotonicTime deadline = BootClock::now() + kPatienceWithRegistrations;
  while (BootClock::now() < deadline) {
    const auto status = client.starter->management().status();
    if (!status) return;
    const auto registered = std::count_if(status->peers.begin(), status->peers.end(),
                                          [](const PeerStatus& hub) { return hub.state == "registered"; });
    if (static_cast<std::size_t>(registered) >= hubs_up_) return;
    std::this_thread::sleep_for(kPollInterval);
  }
}

bool NetworkStart::run() {
  const MonotonicTime begin = BootClock::now();
  plan();
  std::size_t hubs = 0;
  for (const Task& task : tasks_) hubs += task.node->kind == NodeKind::hub ? 1 : 0;
  hubs_done_ = std::make_unique<Gate>(hubs);

  std::vector<std::thread> threads;
  threads.emplace_back([this] { make_pki(); });
  for (Task& task : tasks_) {
    if (task.node->kind == NodeKind::hub) {
      threads.emplace_back([this, &task] {
        bring_up_hub(task);
        hubs_done_->count_down();
      });
    } else {
      threads.emplace_back([this, &task] { bring_up_client(task); });
    }
  }
  for (std::thread& thread : threads) thread.join();

  if (auto courier = start_courier(network_); !courier) fail(courier.error());

  const std::chrono::duration<double> taken = BootClock::now() - begin;
  const std::size_t ready = nodes_ready_;
  if (ready == nodes_selected_) {
    say(fmt::format("{} {} ready after {:.2f} s", ready, ready == 1 ? "node is" : "nodes are",
                    taken.count()));
  } else {
    say(fmt::format("{} of {} nodes are ready after {:.2f} s", ready, nodes_selected_, taken.count()));
  }
  return ready == nodes_selected_ && !failed_;
}

}  // namespace

Result<bool> start_network(const Network& network, const Selection& selection) {
  auto programs = program_directory();
  if (!programs) return programs.error();
  return NetworkStart(network, selection, std::move(*programs)).run();
}

}  // namespace dske::manager
