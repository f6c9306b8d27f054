#include "node/psrd_report.h"

#include <doctest/doctest.h>

namespace dske::node {
namespace {

PsrdLevels levels(std::uint64_t scarcest_left) {
  return {2, {750, 1000}, {900, 1000}, {scarcest_left, 1000}, {1000, 1000}};
}

std::vector<std::string> warnings_of(const PsrdLevels& given) {
  std::vector<std::string> warnings;
  warn_of_psrd_level(warnings, "hub hank", given);
  return warnings;
}

TEST_CASE("levels are told by zone, with the scarcest zone's percentage rounded down") {
  json::Writer writer;
  write_psrd_levels(writer, {2, {750, 1000}, {900, 1000}, {6666, 10000}, {1000, 1000}});
  CHECK(writer.take_text() == R"({"blocks":2,"level_percent":66.6,)"
                              R"("client_authenticator":{"left_bytes":750,"total_bytes":1000},)"
                              R"("client_pad":{"left_bytes":900,"total_bytes":1000},)"
                              R"("hub_authenticator":{"left_bytes":6666,"total_bytes":10000},)"
                              R"("hub_pad":{"left_bytes":1000,"total_bytes":1000}})");
}

TEST_CASE("a level is warned of from a quarter down, and more strongly from a tenth down") {
  CHECK(warnings_of(levels(251)).empty());
  CHECK(warnings_of(levels(250)) == std::vector<std::string>{"PSRD with hub hank is low: 25.0 % left"});
  CHECK(warnings_of(levels(101)) == std::vector<std::string>{"PSRD with hub hank is low: 10.1 % left"});
  CHECK(warnings_of(levels(100)) == std::vector<std::string>{"PSRD with hub hank is very low: 10.0 % left"});
  CHECK(warnings_of(levels(0)) == std::vector<std::string>{"PSRD with hub hank is very low: 0.0 % left"});
  CHECK(warnings_of({}) == std::vector<std::string>{"no PSRD with hub hank"});
}

TEST_CASE("levels as a line of text read back what the JSON tells") {
  json::Writer writer;
  write_psrd_levels(writer, levels(500));
  const auto document = json::Document::parse(writer.take_text());
  REQUIRE(document.has_value());
  CHECK(psrd_levels_text(document->root()) ==
        " 50.0 %  blocks 2  bytes left: client authenticator 750/1000, client pad 900/1000, "
        "hub authenticator 500/1000, hub pad 1000/1000");
}

TEST_CASE("levels with members missing are shown as nothing left") {
  const auto document = json::Document::parse("{}");
  REQUIRE(document.has_value());
  CHECK(psrd_levels_text(document->root()).starts_with("  0.0 %  blocks 0"));
}

}  // namespace
}  // namespace dske::node
