// The command lines of dske-hub and dske-kme: COMMAND [SUBCOMMAND] [ARGUMENT...] --option value.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace dske::node {

/// What one command takes and does.
struct Command {
  std::string words;  ///< "client add"
  std::string usage;  ///< "client add NAME --sae ID [--sae ID]..."
  std::string help;   ///< one line
  std::vector<std::string>
      options;  ///< the options with a value that it takes, without "--"; "config" is always taken
  std::vector<std::string> flags;  ///< those without a value
  std::size_t least_arguments = 0;
  std::size_t most_arguments = 0;
  std::vector<std::string> required;  ///< options that must be given
};

/// A command line that fits its command.
struct Invocation {
  std::vector<std::string> arguments;
  std::map<std::string, std::vector<std::string>> options;
  [[nodiscard]] bool flag(const std::string& name) const { return options.contains(name); }
  /// The last value given, or empty.
  [[nodiscard]] std::string option(const std::string& name) const;
};

struct CommandAndAction {
  Command command;
  std::function<int(const Invocation&)> run;  ///< answers the exit status
};

/// Finds the command, checks its options and runs it. Exit status 2 and one line on standard error on wrong
/// usage; --help and --version are answered here. Nothing that `run` throws leaves it: it becomes one line
/// and exit status 1.
[[nodiscard]] int run_command_line(const std::string& program, const std::string& summary,
                                   const std::vector<CommandAndAction>& commands, int argc,
                                   const char* const* argv);

/// Prints "PROGRAM: MESSAGE" on standard error and answers 1.
[[nodiscard]] int fail(const std::string& message);

}  // namespace dske::node
