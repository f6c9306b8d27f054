#include <vector>

#include "base/process.h"
#include "hub/commands.h"
#include "node/command_line.h"

int main(int argc, char** argv) {
  dske::harden_command();
  std::vector<dske::node::CommandAndAction> commands = dske::hub::daemon_commands();
  for (auto& more :
       {dske::hub::node_key_commands(), dske::hub::client_commands(), dske::hub::psrd_commands()}) {
    commands.insert(commands.end(), more.begin(), more.end());
  }
  return dske::node::run_command_line("dske-hub", "a DSKE security hub", commands, argc, argv);
}
