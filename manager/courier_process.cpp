#include "manager/courier_process.h"

#include <chrono>
#include <csignal>

#include "manager/console.h"
#include "manager/node_process.h"

namespace dske::manager {
namespace {

constexpr std::chrono::milliseconds kGrace{5000};

std::filesystem::path pid_file(const Network& network) {
  return network.topology().state_dir / "pid" / "courier";
}

std::optional<ProcessHandle> living(const Network& network) {
  const auto recorded = read_pid_file(pid_file(network));
  return recorded ? ProcessHandle::open(*recorded) : std::nullopt;
}

}  // namespace

CourierReport courier_report(const Network& network) {
  if (const auto process = living(network)) return {CourierState::running, process->pid()};
  if (!network.topology().courier) return {};
  return {read_pid_file(pid_file(network)) ? CourierState::dead : CourierState::stopped, std::nullopt};
}

const char* state_text(CourierState state) {
  switch (state) {
    case CourierState::none:
      return "none";
    case CourierState::stopped:
      return "stopped";
    case CourierState::dead:
      return "dead";
    case CourierState::running:
      return "running";
  }
  return "";
}

Result<void> start_courier(const Network& network) {
  if (!network.topology().courier || living(network)) return {};
  auto programs = program_directory();
  if (!programs) return programs.error();
  const std::filesystem::path topology = std::filesystem::absolute(network.topology().file);
  const auto child = start_detached({{(*programs / "dske-manager").string(), topology.string(), "courier"},
                                     network.topology().state_dir / "log" / "courier.log"});
  if (!child) return child.error().within("the courier");
  const auto identity = identify_process(*child);
  if (!identity) return Error{ErrorKind::unavailable, "the courier ended at once; see log/courier.log"};
  say("Starting the courier");
  return write_pid_file(pid_file(network), *identity);
}

Result<void> stop_courier(const Network& network) {
  if (const auto process = living(network)) {
    say("Stopping the courier");
    if (auto sent = process->signal(SIGTERM); !sent) return sent;
    if (!process->wait_for_end(kGrace)) {
      if (auto sent = process->signal(SIGKILL); !sent) return sent;  // it cannot leave anything half done
    }
  }
  std::error_code ignored;
  std::filesystem::remove(pid_file(network), ignored);
  return {};
}

}  // namespace dske::manager
