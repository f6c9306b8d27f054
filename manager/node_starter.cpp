#include "manager/node_starter.h"

#include <chrono>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "manager/address.h"
#include "manager/log_tail.h"
#include "manager/node_process.h"
#include "manager/port_holder.h"

namespace dske::manager {
namespace {

constexpr std::chrono::milliseconds kPollInterval{15};
constexpr std::chrono::milliseconds kInitTimeout{30000};
// Long enough for a first start that provisions much PSRD; a node that dies ends the wait at once.
constexpr std::chrono::seconds kReadyTimeout{20};
constexpr std::size_t kLogLinesShown = 5;

}  // namespace

NodeStarter::NodeStarter(const Node& node, std::filesystem::path programs)
    : node_(node), programs_(std::move(programs)), management_(node), log_offset_(log_size(node.log_file)) {}

std::string NodeStarter::program() const {
  return (programs_ / (std::string("dske-") + kind_file_text(node_.kind))).string();
}

Error NodeStarter::with_log(Error error) const {
  const std::string tail = log_tail(node_.log_file, log_offset_, kLogLinesShown);
  if (tail.empty()) return error;
  error.message += "; the end of " + node_.log_file.string() + ":\n" + tail;
  error.message.pop_back();
  return error;
}

bool NodeStarter::is_running() {
  const auto recorded = read_pid_file(node_.pid_file);
  if (recorded && identify_process(recorded->pid) == *recorded) return true;
  // A free port answers nothing: no need to ask, nor to show the token to who is not the node.
  if (!is_initialised() || is_port_free("127.0.0.1", node_.management_port)) return false;
  return management_.status().has_value();
}

Result<void> NodeStarter::check_ports() const {
  const std::pair<std::string, std::uint16_t> listeners[] = {{node_.address, node_.port},
                                                             {"127.0.0.1", node_.management_port}};
  for (const auto& [address, port] : listeners) {
    if (is_port_free(address, port)) continue;
    return Error{ErrorKind::conflict, node_.title() + " cannot be started: port " + std::to_string(port) +
                                          (port == node_.port ? "" : " of its management interface") +
                                          ", which it should have, is taken by " + port_holder(port) +
                                          "; end that or give " + node_.title() + " another `port`"};
  }
  return {};
}

bool NodeStarter::is_initialised() const {
  std::error_code ignored;
  return std::filesystem::exists(node_.token_file(), ignored);
}

Result<void> NodeStarter::initialise() {
  if (is_initialised()) return {};
  const Command command{{program(), "init", "--config", node_.config_file.string()}, node_.log_file};
  if (auto done = run_to_end(command, kInitTimeout); !done) {
    return with_log(done.error().within(node_.title() + " cannot be initialised"));
  }
  return {};
}

Result<void> NodeStarter::launch() {
  auto child = start_detached({{program(), "serve", "--config", node_.config_file.string()}, node_.log_file});
  if (!child) return child.error().within(node_.title());
  child_ = *child;
  const auto identity = identify_process(child_);
  if (!identity) return {};  // it has ended already, which await_ready() reports
  return write_pid_file(node_.pid_file, *identity);
}

Result<void> NodeStarter::await_ready() {
  const MonotonicTime deadline = BootClock::now() + kReadyTimeout;
  while (true) {
    auto readiness = management_.readiness();
    if (readiness && readiness->ready) return {};
    if (child_ != 0) {
      if (const auto ending = reap(child_)) {
        return with_log({ErrorKind::unavailable, node_.title() + " ended during its start with " + *ending});
      }
    }
    if (BootClock::now() >= deadline) {
      const std::string reason = readiness ? readiness->reason : readiness.error().message;
      return Error{ErrorKind::unavailable, node_.title() + " is not ready after " +
                                               std::to_string(kReadyTimeout.count()) + " s: " + reason};
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace dske::manager
