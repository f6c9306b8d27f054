#include "manager/command_line.h"

// A comma in a name or SAE ID is part of it, not the end of a list's element.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <cxxopts.hpp>

#include "manager/help.h"

namespace dske::manager {
namespace {

using Words = std::vector<std::string>;

const std::map<std::string, CommandName>& commands() {
  static const std::map<std::string, CommandName> all = {
      {"start", CommandName::start},       {"stop", CommandName::stop},
      {"restart", CommandName::restart},   {"status", CommandName::status},
      {"etsi-qkd", CommandName::etsi_qkd}, {"provision", CommandName::provision},
      {"pki", CommandName::pki},           {"logs", CommandName::logs},
      {"courier", CommandName::courier}};
  return all;
}

// The options that a command takes.
const Words& options_of(CommandName command) {
  static const std::map<CommandName, Words> all = {
      {CommandName::start, {"hub", "client"}},
      {CommandName::stop, {"hub", "client"}},
      {CommandName::restart, {"hub", "client"}},
      {CommandName::status, {"hub", "client", "json", "watch"}},
      {CommandName::etsi_qkd, {"number", "size"}},
      {CommandName::provision, {"hub", "client-bytes", "hub-bytes", "output"}},
      {CommandName::pki, {"json"}},
      {CommandName::logs, {"lines", "follow"}},
      {CommandName::courier, {}}};
  return all.at(command);
}

cxxopts::Options all_options() {
  cxxopts::Options options("dske-manager");
  options.add_options()("client", "", cxxopts::value<Words>())("hub", "", cxxopts::value<Words>())(
      "json", "")("watch", "")("number", "", cxxopts::value<std::string>())(
      "size", "", cxxopts::value<std::string>())("client-bytes", "", cxxopts::value<std::string>())(
      "hub-bytes", "", cxxopts::value<std::string>())("o,output", "", cxxopts::value<std::string>())(
      "n,lines", "", cxxopts::value<std::string>())("f,follow", "")("h,help", "")("version", "")(
      "words", "", cxxopts::value<Words>());
  options.parse_positional({"words"});
  return options;
}

Error usage_error(CommandName command, const std::string& what) {
  return invalid(what + "; usage: " + command_usage(command));
}

// The values of the options that are numbers, or what is wrong with one.
class Numbers {
 public:
  explicit Numbers(const cxxopts::ParseResult& parsed) : parsed_(parsed) {}

  std::optional<std::int64_t> take(const std::string& name) {
    if (parsed_.count(name) == 0) return std::nullopt;
    const auto text = parsed_[name].as<std::string>();
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault == std::errc() && end == text.data() + text.size() && value >= 0) return value;
    fault_ = "--" + name + " must be a whole number, not " + text;
    return std::nullopt;
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  const cxxopts::ParseResult& parsed_;
  std::string fault_;
};

Words words_in(const cxxopts::ParseResult& parsed, const char* name) {
  return parsed.count(name) == 0 ? Words() : parsed[name].as<Words>();
}

Result<void> take_no_arguments(const CommandLine& line, const Words& arguments) {
  if (arguments.empty()) return {};
  return usage_error(line.command, "unexpected argument " + arguments.front());
}

Result<void> take_etsi_arguments(CommandLine& line, const Words& arguments) {
  static const std::map<std::string, EtsiOperation> operations = {
      {"get-status", EtsiOperation::get_status},
      {"status", EtsiOperation::get_status},
      {"get-key", EtsiOperation::get_key},
      {"get-key-with-key-ids", EtsiOperation::get_key_with_key_ids},
      {"get-key-pair", EtsiOperation::get_key_pair}};
  if (arguments.size() < 3) {
    return usage_error(line.command, "etsi-qkd needs a master SAE, a slave SAE and an operation");
  }
  const auto operation = operations.find(arguments[2]);
  if (operation == operations.end()) {
    return usage_error(line.command, "unknown operation " + arguments[2] +
                                         " (get-status, get-key, get-key-with-key-ids, get-key-pair)");
  }
  line.etsi.master_sae = arguments[0];
  line.etsi.slave_sae = arguments[1];
  line.etsi.operation = operation->second;
  line.etsi.key_ids.assign(arguments.begin() + 3, arguments.end());
  const bool takes_ids = line.etsi.operation == EtsiOperation::get_key_with_key_ids;
  if (takes_ids && line.etsi.key_ids.empty())
    return usage_error(line.command, "get-key-with-key-ids needs key IDs");
  if (!takes_ids && !line.etsi.key_ids.empty()) {
    return usage_error(line.command, "unexpected argument " + line.etsi.key_ids.front());
  }
  const bool makes_keys =
      line.etsi.operation == EtsiOperation::get_key || line.etsi.operation == EtsiOperation::get_key_pair;
  if (!makes_keys && (line.etsi.number || line.etsi.size_bits)) {
    return usage_error(line.command, "--number and --size are for get-key and get-key-pair");
  }
  return {};
}

Result<void> take_node_argument(CommandLine& line, const Words& arguments) {
  if (arguments.size() != 1) return usage_error(line.command, "exactly one node must be named");
  line.node = arguments.front();
  return {};
}

Result<void> take_pki_arguments(CommandLine& line, const Words& arguments) {
  static const std::map<std::string, PkiAction> actions = {{"init", PkiAction::init},
                                                           {"issue", PkiAction::issue},
                                                           {"renew", PkiAction::renew},
                                                           {"revoke", PkiAction::revoke},
                                                           {"list", PkiAction::list}};
  if (arguments.empty()) return usage_error(line.command, "pki needs init, issue, renew, revoke or list");
  const auto action = actions.find(arguments.front());
  if (action == actions.end()) return usage_error(line.command, "unknown action pki " + arguments.front());
  line.pki_action = action->second;
  line.subjects.assign(arguments.begin() + 1, arguments.end());
  const bool takes_subjects = line.pki_action == PkiAction::issue || line.pki_action == PkiAction::renew ||
                              line.pki_action == PkiAction::revoke;
  if (line.pki_action == PkiAction::revoke && line.subjects.empty())
    return usage_error(line.command, "pki revoke needs to be told what");
  if (!takes_subjects && !line.subjects.empty()) {
    return usage_error(line.command, "unexpected argument " + line.subjects.front());
  }
  return {};
}

Result<void> take_arguments(CommandLine& line, const Words& arguments) {
  switch (line.command) {
    case CommandName::etsi_qkd:
      return take_etsi_arguments(line, arguments);
    case CommandName::provision:
    case CommandName::logs:
      return take_node_argument(line, arguments);
    case CommandName::pki:
      return take_pki_arguments(line, arguments);
    default:
      return take_no_arguments(line, arguments);
  }
}

Result<void> check_options(const cxxopts::ParseResult& parsed, CommandName command) {
  const Words& taken = options_of(command);
  for (const cxxopts::KeyValue& given : parsed.arguments()) {
    if (given.key() == "words" || std::find(taken.begin(), taken.end(), given.key()) != taken.end()) continue;
    return usage_error(command, "--" + given.key() + " does not go with this command");
  }
  return {};
}

Result<std::variant<CommandLine, TextAsked>> interpret(const cxxopts::ParseResult& parsed) {
  if (parsed.count("version") != 0) return TextAsked{"dske-manager " DSKE_VERSION "\n"};
  const Words words = words_in(parsed, "words");
  const bool help = parsed.count("help") != 0;
  // Help is given however little else stands there: also for "dske-manager start --help".
  for (std::size_t i = 0; help && i < std::min<std::size_t>(words.size(), 2); ++i) {
    const auto command = commands().find(words[i]);
    if (command != commands().end()) return TextAsked{command_help(command->second)};
  }
  if (help) return TextAsked{program_help()};
  if (words.size() < 2) {
    return invalid(
        "a topology file and a command are needed; usage: dske-manager TOPOLOGY COMMAND (--help tells more)");
  }
  const auto command = commands().find(words[1]);
  if (command == commands().end()) {
    return invalid("unknown command " + words[1] +
                   " (start, stop, restart, status, etsi-qkd, provision, pki, logs, courier); usage: "
                   "dske-manager TOPOLOGY "
                   "COMMAND (--help tells more)");
  }
  if (auto good = check_options(parsed, command->second); !good) return good.error();

  CommandLine line;
  line.topology = words[0];
  line.command = command->second;
  line.selection.hubs = words_in(parsed, "hub");
  line.selection.clients = words_in(parsed, "client");
  line.json = parsed.count("json") != 0;
  line.watch = parsed.count("watch") != 0;
  line.follow = parsed.count("follow") != 0;
  Numbers numbers(parsed);
  line.etsi.number = numbers.take("number");
  line.etsi.size_bits = numbers.take("size");
  line.client_bytes = numbers.take("client-bytes");
  line.hub_bytes = numbers.take("hub-bytes");
  line.lines = numbers.take("lines").value_or(0);
  if (!numbers.fault().empty()) return usage_error(line.command, numbers.fault());
  if (parsed.count("output") != 0) line.output = parsed["output"].as<std::string>();
  if (line.watch && line.json) return usage_error(line.command, "--watch and --json do not go together");
  for (const auto& bytes : {line.client_bytes, line.hub_bytes}) {
    if (bytes && (*bytes < kPsrdBytesLeast || *bytes > kPsrdBytesMost)) {
      return usage_error(line.command, "a half of a block has " + std::to_string(kPsrdBytesLeast) + " to " +
                                           std::to_string(kPsrdBytesMost) + " bytes");
    }
  }
  if (auto taken = take_arguments(line, Words(words.begin() + 2, words.end())); !taken) return taken.error();
  return line;
}

}  // namespace

Result<std::variant<CommandLine, TextAsked>> parse_command_line(int argc, const char* const* argv) {
  try {
    cxxopts::Options options = all_options();
    return interpret(options.parse(argc, argv));
  } catch (const cxxopts::exceptions::exception& error) {
    return invalid(std::string(error.what()) + "; dske-manager --help tells what there is");
  }
}

}  // namespace dske::manager
