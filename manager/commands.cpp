#include "manager/commands.h"

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <unistd.h>

#include "base/clock.h"
#include "manager/console.h"
#include "manager/courier.h"
#include "manager/courier_process.h"
#include "manager/etsi_client.h"
#include "manager/pki_command.h"
#include "manager/provision_command.h"
#include "manager/starter.h"
#include "manager/status_report.h"
#include "manager/status_table.h"
#include "manager/stopper.h"

namespace dske::manager {
namespace {

constexpr std::chrono::seconds kWatchInterval{1};
constexpr const char* kClearScreen = "\x1b[H\x1b[J";

Result<bool> show_status(const Network& network, const CommandLine& line) {
  const TableStyle style = TableStyle::of_standard_output();
  while (true) {
    const auto reports = collect_reports(network, line.selection);
    if (line.json) {
      say(reports_json(reports, courier_report(network)));
      return true;
    }
    std::string table = status_table(reports, courier_report(network), style);
    table.pop_back();
    if (line.watch) {
      table.insert(
          0, utc_text(std::chrono::system_clock::now()) + "  " + network.topology().file.string() + "\n\n");
      if (style.colours) table.insert(0, kClearScreen);
    }
    if (!say(table)) return true;
    if (!line.watch) return true;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

Result<bool> run_provision(const Network& network, const CommandLine& line) {
  auto node = network.named(line.node);
  if (!node) return node.error();
  ProvisionRequest request;
  request.hubs.hubs = line.selection.hubs;
  request.sizes = network.topology().psrd;
  request.sizes.client_bytes = line.client_bytes.value_or(request.sizes.client_bytes);
  request.sizes.hub_bytes = line.hub_bytes.value_or(request.sizes.hub_bytes);
  request.output = line.output;
  return provision(network, **node, request);
}

// Becomes tail(1), which does this well.
Result<bool> show_log(const Network& network, const CommandLine& line) {
  std::string file = (network.topology().state_dir / "log" / "courier.log").string();
  std::string title = "the courier";
  if (line.node != "courier") {
    auto node = network.named(line.node);
    if (!node) return node.error();
    file = (*node)->log_file.string();
    title = (*node)->title();
  }
  if (::access(file.c_str(), R_OK) != 0) {
    return io_error("there is no log of " + title + ", " + file, errno);
  }
  const std::string count = line.lines > 0 ? std::to_string(line.lines) : "+1";
  std::vector<std::string> words = {"tail", "-n", count};
  if (line.follow) words.emplace_back("-F");
  words.push_back(file);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp("tail", arguments.data());
  return io_error("cannot run tail", errno);
}

Result<bool> restart(const Network& network, const CommandLine& line) {
  if (!stop_network(network, line.selection)) return false;
  return start_network(network, line.selection);
}

bool changes_the_network(const CommandLine& line) {
  switch (line.command) {
    case CommandName::start:
    case CommandName::stop:
    case CommandName::restart:
    case CommandName::provision:
      return true;
    case CommandName::pki:
      return line.pki_action != PkiAction::list;
    default:
      return false;
  }
}

Result<bool> succeeded(const Result<void>& result) {
  if (!result) return result.error();
  return true;
}

}  // namespace

Result<bool> run_command(const Network& network, const CommandLine& line) {
  if (auto known = check_selection(network, line.selection); !known) return known.error();
  std::optional<DirectoryLock> lock;
  if (changes_the_network(line)) {
    auto claimed = network.claim();
    if (!claimed) return claimed.error();
    lock = std::move(*claimed);
  }
  switch (line.command) {
    case CommandName::start:
      return start_network(network, line.selection);
    case CommandName::stop:
      return stop_network(network, line.selection);
    case CommandName::restart:
      return restart(network, line);
    case CommandName::status:
      return show_status(network, line);
    case CommandName::etsi_qkd:
      return succeeded(run_etsi_request(network, line.etsi));
    case CommandName::provision:
      return run_provision(network, line);
    case CommandName::pki:
      return succeeded(run_pki_command(network, line));
    case CommandName::logs:
      return show_log(network, line);
    case CommandName::courier:
      if (!network.topology().courier) return invalid("the topology has no courier");
      return run_courier(network);
  }
  return false;
}

}  // namespace dske::manager
