#include <chrono>
#include <iostream>
#include <thread>

#include "base/json.h"
#include "base/process.h"
#include "node/command_line.h"
#include "wireguard/config.h"
#include "wireguard/daemon.h"
#include "wireguard/status_socket.h"
#include "wireguard/status_table.h"

namespace dske::wireguard {
namespace {

int fail(const Error& error) {
  return node::fail("dske-wireguard: " + error.message);
}

int run(const node::Invocation& invocation) {
  const auto config = read_config(invocation.option("config"));
  if (!config) return fail(config.error());
  if (auto done = run_adapter(*config); !done) return fail(done.error());
  return 0;
}

Result<void> print_status(const Config& config, bool as_json) {
  const auto report = read_status(status_socket_path(config));
  if (!report) return report.error();
  const auto document = json::Document::parse(report->text());
  if (!document) return document.error().within("dske-wireguard's report");
  if (as_json) {
    std::cout << report->text() << std::endl;
    return {};
  }
  const auto table = status_table(document->root());
  if (!table) return table.error();
  std::cout << *table << std::flush;
  return {};
}

int status(const node::Invocation& invocation) {
  harden_command();
  const auto config = read_config(invocation.option("config"));
  if (!config) return fail(config.error());
  const bool as_json = invocation.flag("json");
  if (!invocation.flag("watch")) {
    const auto printed = print_status(*config, as_json);
    return printed ? 0 : fail(printed.error());
  }
  // An adapter that is about to start, or to start again, is waited for.
  while (std::cout) {
    if (!as_json) std::cout << "\x1b[H\x1b[2J" << std::flush;
    if (auto printed = print_status(*config, as_json); !printed) (void)fail(printed.error());
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return 1;  // nobody takes it
}

}  // namespace
}  // namespace dske::wireguard

int main(int argc, char** argv) {
  using namespace dske::wireguard;
  const std::vector<dske::node::CommandAndAction> commands = {
      {{"run", "run --config FILE", "rotates the pre-shared keys of the configured peers", {}, {}, 0, 0, {}},
       run},
      {{"status",
        "status [--json] [--watch] --config FILE",
        "shows every peer's state, ages, next rotation and last error",
        {},
        {"json", "watch"},
        0,
        0,
        {}},
       status}};
  return dske::node::run_command_line("dske-wireguard", "feeds WireGuard with keys of the DSKE network",
                                      commands, argc, argv);
}
