#include "node/command_line.h"

// Values are taken as they are: an SAE ID may hold a comma.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <algorithm>
#include <iostream>

#include <cxxopts.hpp>

#include "node/version.h"

namespace dske::node {
namespace {

int usage_error(const std::string& program, const std::string& message) {
  std::cerr << program << ": " << message << " (see " << program << " --help)\n";
  return 2;
}

std::ptrdiff_t word_count(const std::string& words) {
  return 1 + std::count(words.begin(), words.end(), ' ');
}

// The command whose words the line begins with, if any.
const CommandAndAction* find_command(const std::vector<CommandAndAction>& commands,
                                     const std::vector<std::string>& line) {
  constexpr std::size_t kWordsMost = 3;
  std::string words;
  for (std::size_t count = 0; count < std::min(kWordsMost, line.size()); ++count) {
    words += (count == 0 ? "" : " ") + line[count];
    for (const auto& candidate : commands) {
      if (candidate.command.words == words) return &candidate;
    }
  }
  return nullptr;
}

void print_help(const std::string& program, const std::string& summary,
                const std::vector<CommandAndAction>& commands) {
  std::cout << program << ": " << summary << "\n\nusage:\n";
  for (const auto& entry : commands) {
    std::cout << "  " << program << " " << entry.command.usage << "\n        " << entry.command.help << "\n";
  }
  std::cout << "\nExit status: 0 done, 1 failed, 2 wrong usage.\n";
}

// Parses and checks what follows the command's words. Throws cxxopts' exceptions and std::invalid_argument.
Invocation parse(const std::string& program, const Command& command, const std::vector<std::string>& rest) {
  cxxopts::Options options(program + " " + command.words);
  options.add_options()("arguments", "", cxxopts::value<std::vector<std::string>>());
  std::vector<std::string> with_value = command.options;
  with_value.emplace_back("config");
  for (const std::string& name : with_value) {
    const std::string spelled = name == "output" ? "o,output" : name;
    options.add_options()(spelled, "", cxxopts::value<std::vector<std::string>>());
  }
  for (const std::string& name : command.flags) options.add_options()(name, "");
  options.parse_positional({"arguments"});

  std::vector<const char*> argv{program.c_str()};
  for (const std::string& word : rest) argv.push_back(word.c_str());
  const auto parsed = options.parse(static_cast<int>(argv.size()), argv.data());

  Invocation invocation;
  if (parsed.count("arguments") > 0)
    invocation.arguments = parsed["arguments"].as<std::vector<std::string>>();
  for (const std::string& name : with_value) {
    if (parsed.count(name) > 0) invocation.options[name] = parsed[name].as<std::vector<std::string>>();
  }
  for (const std::string& name : command.flags) {
    if (parsed.count(name) > 0) invocation.options[name];
  }
  for (const std::string& name : command.required) {
    if (!invocation.options.contains(name)) throw std::invalid_argument("--" + name + " is missing");
  }
  if (!invocation.options.contains("config")) throw std::invalid_argument("--config is missing");
  if (invocation.arguments.size() < command.least_arguments) throw std::invalid_argument("too few arguments");
  if (invocation.arguments.size() > command.most_arguments) throw std::invalid_argument("too many arguments");
  return invocation;
}

}  // namespace

std::string Invocation::option(const std::string& name) const {
  const auto found = options.find(name);
  return found == options.end() || found->second.empty() ? std::string() : found->second.back();
}

int fail(const std::string& message) {
  std::cerr << message << "\n";
  return 1;
}

int run_command_line(const std::string& program, const std::string& summary,
                     const std::vector<CommandAndAction>& commands, int argc, const char* const* argv) {
  const std::vector<std::string> line(argv + 1, argv + argc);
  if (line.empty()) return usage_error(program, "no command");
  for (const std::string& word : line) {
    if (word == "--help" || word == "-h") {
      print_help(program, summary, commands);
      return 0;
    }
    if (word == "--version") {
      std::cout << program << " " << kVersion << "\n";
      return 0;
    }
  }
  const CommandAndAction* found = find_command(commands, line);
  if (found == nullptr) return usage_error(program, "unknown command: " + line[0]);
  const auto words = word_count(found->command.words);
  try {
    const Invocation invocation = parse(program, found->command, {line.begin() + words, line.end()});
    try {
      return found->run(invocation);
    } catch (const std::exception& error) {
      return fail(program + ": " + error.what());
    }
  } catch (const std::exception& error) {
    return usage_error(program, found->command.words + ": " + error.what() + "; usage: " + program + " " +
                                    found->command.usage);
  }
}

}  // namespace dske::node
