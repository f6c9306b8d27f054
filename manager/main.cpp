// dske-manager: runs a network of hubs and KMEs from a topology file.
#include <csignal>
#include <exception>
#include <iostream>
#include <utility>
#include <variant>

#include "manager/command_line.h"
#include "manager/commands.h"
#include "manager/console.h"

namespace {

constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;

int fail(const dske::Error& error, int exit_status) {
  dske::manager::complain(error.message);
  return exit_status;
}

int run(int argc, char** argv) {
  using namespace dske::manager;
  auto parsed = parse_command_line(argc, argv);
  if (!parsed) return fail(parsed.error(), kWrongUsage);
  if (const auto* const asked = std::get_if<TextAsked>(&*parsed)) {
    std::cout << asked->text;
    return 0;
  }
  const auto& line = std::get<CommandLine>(*parsed);
  auto topology = read_topology(line.topology);
  if (!topology) return fail(topology.error(), kFailure);
  auto network = Network::open(std::move(*topology));
  if (!network) return fail(network.error(), kFailure);
  const auto done = run_command(*network, line);
  if (!done) return fail(done.error(), kFailure);
  return *done ? 0 : kFailure;
}

}  // namespace

int main(int argc, char** argv) {
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // out of memory or threads: everything else is an Error
    std::cerr << "dske-manager: " << error.what() << '\n';
    return kFailure;
  }
}
