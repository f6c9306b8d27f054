#include "manager/command_line.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace dske;
using namespace dske::manager;

namespace {

Result<std::variant<CommandLine, TextAsked>> parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "dske-manager");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

CommandLine line_of(const std::vector<const char*>& words) {
  auto result = parsed(words);
  if (!result) FAIL(result.error().message);
  REQUIRE(std::holds_alternative<CommandLine>(*result));
  return std::get<CommandLine>(*result);
}

std::string text_of(const std::vector<const char*>& words) {
  auto result = parsed(words);
  REQUIRE(result.has_value());
  REQUIRE(std::holds_alternative<TextAsked>(*result));
  return std::get<TextAsked>(*result).text;
}

}  // namespace

TEST_CASE("options stand before or after topology and command, and repeat") {
  const CommandLine line =
      line_of({"--hub", "hank", "net.yaml", "--client=carol", "status", "--json", "--hub", "helen"});
  CHECK(line.topology == "net.yaml");
  CHECK(line.command == CommandName::status);
  CHECK(line.json);
  CHECK(line.selection.hubs == std::vector<std::string>{"hank", "helen"});
  CHECK(line.selection.clients == std::vector<std::string>{"carol"});
}

TEST_CASE("etsi-qkd takes two SAEs, whatever is in their IDs, and an operation") {
  CommandLine line = line_of({"t", "etsi-qkd", "a,b", "c d", "get-key", "--number", "3", "--size", "128"});
  CHECK(line.etsi.master_sae == "a,b");
  CHECK(line.etsi.slave_sae == "c d");
  CHECK(line.etsi.operation == EtsiOperation::get_key);
  CHECK(line.etsi.number == 3);
  CHECK(line.etsi.size_bits == 128);
  CHECK(line_of({"t", "etsi-qkd", "a", "b", "status"}).etsi.operation == EtsiOperation::get_status);
  CHECK(line_of({"t", "etsi-qkd", "a", "b", "get-status"}).etsi.operation == EtsiOperation::get_status);
  CHECK(line_of({"t", "etsi-qkd", "a", "b", "get-key-pair"}).etsi.operation == EtsiOperation::get_key_pair);
  line = line_of({"t", "etsi-qkd", "a", "b", "get-key-with-key-ids", "id1", "id2"});
  CHECK(line.etsi.key_ids == std::vector<std::string>{"id1", "id2"});
}

TEST_CASE("provision, pki and logs take their arguments") {
  const CommandLine provision = line_of({"t", "provision", "carol", "--client-bytes", "8192", "-o", "out"});
  CHECK(provision.node == "carol");
  CHECK(provision.client_bytes == 8192);
  CHECK_FALSE(provision.hub_bytes.has_value());
  CHECK(provision.output == "out");
  const CommandLine pki = line_of({"t", "pki", "renew", "kme/carol", "sae/a,b"});
  CHECK(pki.pki_action == PkiAction::renew);
  CHECK(pki.subjects == std::vector<std::string>{"kme/carol", "sae/a,b"});
  const CommandLine logs = line_of({"t", "logs", "hub/hank", "-f", "-n", "20"});
  CHECK(logs.node == "hub/hank");
  CHECK(logs.follow);
  CHECK(logs.lines == 20);
}

TEST_CASE("wrong usage is told in one line that says how it is right") {
  const std::vector<std::pair<std::vector<const char*>, const char*>> cases = {
      {{}, "a topology file and a command are needed"},
      {{"t"}, "a topology file and a command are needed"},
      {{"t", "begin"}, "unknown command begin"},
      {{"t", "start", "now"}, "unexpected argument now"},
      {{"t", "start", "--json"}, "--json does not go with this command"},
      {{"t", "start", "--watch"}, "--watch does not go"},
      {{"t", "status", "--watch", "--json"}, "do not go together"},
      {{"t", "status", "--frobnicate"}, "frobnicate"},
      {{"t", "status", "--hub"}, "hub"},
      {{"t", "etsi-qkd", "a", "b"}, "needs a master SAE, a slave SAE and an operation"},
      {{"t", "etsi-qkd", "a", "b", "get-keys"}, "unknown operation get-keys"},
      {{"t", "etsi-qkd", "a", "b", "get-key", "x"}, "unexpected argument x"},
      {{"t", "etsi-qkd", "a", "b", "get-key-with-key-ids"}, "needs key IDs"},
      {{"t", "etsi-qkd", "a", "b", "get-key", "--number", "many"},
       "--number must be a whole number, not many"},
      {{"t", "etsi-qkd", "a", "b", "get-key", "--size=8x"}, "--size must be a whole number"},
      {{"t", "etsi-qkd", "a", "b", "status", "--number", "1"}, "--number and --size are for"},
      {{"t", "provision"}, "exactly one node"},
      {{"t", "provision", "carol", "--hub-bytes", "1"}, "4096 to"},
      {{"t", "pki"}, "needs init, issue, renew, revoke or list"},
      {{"t", "pki", "destroy"}, "unknown action pki destroy"},
      {{"t", "pki", "revoke"}, "needs to be told what"},
      {{"t", "pki", "list", "x"}, "unexpected argument x"},
      {{"t", "logs", "a", "b"}, "exactly one node"},
      {{"t", "logs", "a", "--lines", "-1"}, "lines"},
  };
  for (const auto& [words, reason] : cases) {
    const auto& shown_reason = reason;
    CAPTURE(shown_reason);
    const auto result = parsed(words);
    REQUIRE_FALSE(result.has_value());
    CAPTURE(result.error().message);
    CHECK(result.error().message.find(reason) != std::string::npos);
    CHECK(result.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("help is there for the program and each command, wherever it is asked for") {
  CHECK(text_of({"--help"}).find("TOPOLOGY COMMAND") != std::string::npos);
  CHECK(text_of({"-h"}) == text_of({"--help"}));
  for (const char* command : {"start", "stop", "restart", "status", "etsi-qkd", "provision", "pki", "logs"}) {
    CAPTURE(command);
    CHECK(text_of({"t", command, "--help"}).find("TOPOLOGY " + std::string(command)) != std::string::npos);
    CHECK(text_of({command, "--help"}) == text_of({"t", command, "--help"}));
    CHECK(text_of({"--help"}).find(std::string("\n  ") + command + " ") != std::string::npos);
  }
  CHECK(text_of({"--version"}).find("dske-manager ") == 0);
}
