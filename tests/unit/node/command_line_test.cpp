#include "node/command_line.h"

#include <stdexcept>

#include <doctest/doctest.h>

#include "node/captured_output.h"
#include "node/version.h"

namespace dske::node::test {
namespace {

// A program with two commands, which keeps what it was called with.
struct Program {
  std::string called;
  Invocation invocation;
  std::function<int()> outcome = [] { return 0; };

  Captured run(std::vector<std::string> words) {
    const auto keep = [this](const std::string& command) {
      return [this, command](const Invocation& given) {
        called = command;
        invocation = given;
        return outcome();
      };
    };
    const std::vector<CommandAndAction> commands{
        {{"init", "init --config FILE", "makes it", {}, {}, 0, 0, {}}, keep("init")},
        {{"client add",
          "client add NAME --sae ID",
          "makes a client",
          {"sae", "output"},
          {"json"},
          1,
          2,
          {"sae"}},
         keep("client add")},
    };
    std::vector<const char*> argv{"program"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    return capture([&] {
      return run_command_line("program", "a program", commands, static_cast<int>(argv.size()), argv.data());
    });
  }
};

void check_wrong_usage(const std::vector<std::string>& words, const std::string& reason) {
  Program program;
  const Captured done = program.run(words);
  CAPTURE(done.errors);
  CHECK(done.status == 2);
  CHECK(program.called.empty());
  CHECK(done.output.empty());
  CHECK(done.errors.starts_with("program: "));
  CHECK(done.errors.find(reason) != std::string::npos);
  CHECK(done.errors.find('\n') == done.errors.size() - 1);
}

TEST_CASE("a command gets its arguments, options and flags") {
  Program program;
  const Captured done = program.run({"client", "add", "carol", "--sae", "a", "--json", "--config", "x.yaml"});
  CHECK(done.status == 0);
  CHECK(done.errors.empty());
  CHECK(program.called == "client add");
  CHECK(program.invocation.arguments == std::vector<std::string>{"carol"});
  CHECK(program.invocation.option("sae") == "a");
  CHECK(program.invocation.option("config") == "x.yaml");
  CHECK(program.invocation.flag("json"));
  CHECK_FALSE(program.invocation.flag("output"));
  CHECK(program.invocation.option("output").empty());
}

TEST_CASE("options may stand anywhere behind the command, and be written with an equals sign") {
  Program program;
  CHECK(program.run({"client", "add", "--config=x.yaml", "--sae=a", "carol", "-o", "out"}).status == 0);
  CHECK(program.invocation.arguments == std::vector<std::string>{"carol"});
  CHECK(program.invocation.option("output") == "out");
}

TEST_CASE("an option given several times has all values, each as it is: an SAE ID may hold a comma") {
  Program program;
  CHECK(
      program.run({"client", "add", "carol", "--sae", "site A, gateway", "--sae", "b=c;d e", "--config", "x"})
          .status == 0);
  CHECK(program.invocation.options.at("sae") == std::vector<std::string>{"site A, gateway", "b=c;d e"});
  CHECK(program.invocation.option("sae") == "b=c;d e");
}

TEST_CASE("arguments with commas are not divided") {
  Program program;
  CHECK(program.run({"client", "add", "a,b", "c", "--sae", "a", "--config", "x"}).status == 0);
  CHECK(program.invocation.arguments == std::vector<std::string>{"a,b", "c"});
}

TEST_CASE("wrong usage exits with 2 and one line that says what is wrong") {
  check_wrong_usage({}, "no command");
  check_wrong_usage({"destroy"}, "unknown command: destroy");
  check_wrong_usage({"client"}, "unknown command: client");
  check_wrong_usage({"client", "remove", "carol"}, "unknown command");
  check_wrong_usage({"init"}, "--config is missing");
  check_wrong_usage({"init", "--config"}, "config");
  check_wrong_usage({"init", "more", "--config", "x"}, "too many arguments");
  check_wrong_usage({"init", "--json", "--config", "x"}, "json");
  check_wrong_usage({"init", "--config", "x", "--colour", "blue"}, "colour");
  check_wrong_usage({"client", "add", "--sae", "a", "--config", "x"}, "too few arguments");
  check_wrong_usage({"client", "add", "carol", "--config", "x"}, "--sae is missing");
  check_wrong_usage({"client", "add", "a", "b", "c", "--sae", "a", "--config", "x"}, "too many arguments");
}

TEST_CASE("what a command answers is the exit status") {
  Program program;
  program.outcome = [] { return 1; };
  CHECK(program.run({"init", "--config", "x"}).status == 1);
}

TEST_CASE("what a command throws becomes one line and exit status 1, not wrong usage") {
  Program program;
  program.outcome = []() -> int { throw std::runtime_error("the disk is gone"); };
  const Captured done = program.run({"init", "--config", "x"});
  CHECK(done.status == 1);
  CHECK(done.errors == "program: the disk is gone\n");
}

TEST_CASE("--help lists every command and --version tells the version, without running anything") {
  Program program;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--help"}, {"-h"}, {"init", "--help"}}) {
    const Captured help = program.run(words);
    CHECK(help.status == 0);
    CHECK(help.output.find("program init --config FILE") != std::string::npos);
    CHECK(help.output.find("program client add NAME --sae ID") != std::string::npos);
  }
  const Captured version = program.run({"--version"});
  CHECK(version.status == 0);
  CHECK(version.output == "program " + std::string(kVersion) + "\n");
  CHECK(program.called.empty());
}

TEST_CASE("fail writes its line to standard error and answers 1") {
  const Captured done = capture([] { return fail("program: no"); });
  CHECK(done.status == 1);
  CHECK(done.errors == "program: no\n");
  CHECK(done.output.empty());
}

}  // namespace
}  // namespace dske::node::test
