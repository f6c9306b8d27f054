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

TEST_CASE("rates are told beside the levels, and when the first zone is used up") {
  json::Writer writer;
  write_psrd_levels(writer, levels(500), PsrdRates{1, 0.26, 2, 0});
  const std::string text = writer.take_text();
  CHECK(text.find(R"("bytes_per_second":{"client_authenticator":1.0,"client_pad":0.3,)") !=
        std::string::npos);
  CHECK(text.find(R"("seconds_left":250})") != std::string::npos);
  json::Writer unknown;
  write_psrd_levels(unknown, levels(500), std::nullopt);
  CHECK(unknown.take_text().ends_with(R"("bytes_per_second":null,"seconds_left":null})"));
}

std::string table_of(const std::string& entries, const std::string& warnings) {
  const auto document = json::Document::parse("{\"hubs\":" + entries + ",\"warnings\":" + warnings + "}");
  REQUIRE(document.has_value());
  return psrd_table("HUB", *document->root().member("hubs"), document->root().member("warnings"));
}

TEST_CASE("the table shows each zone of each peer in aligned columns, then the warnings") {
  json::Writer writer;
  writer.begin_array();
  for (const char* name : {"hank", "helen"}) {
    writer.begin_object().name("name").string(name).name("psrd");
    write_psrd_levels(writer, {2, {7500000, 10000000}, {900, 1000}, {500, 1000}, {1000, 1000}},
                      PsrdRates{0.5, 0, 0, 0});
    writer.end_object();
  }
  writer.end_array();
  const std::string text = table_of(writer.take_text(), R"(["PSRD with hub hank is low"])");
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  REQUIRE(lines.size() == 10);
  for (std::size_t i = 1; i < 9; ++i) CHECK(lines[i].size() == lines[0].size());
  CHECK(lines[1].find("hank") == 0);
  CHECK(lines[1].find("50.0 %") != std::string::npos);
  CHECK(lines[1].find("174 days") != std::string::npos);
  CHECK(lines[1].find("7,500,000") != std::string::npos);
  CHECK(lines[4].find("hub pad") != std::string::npos);
  CHECK(lines[5].find("helen") == 0);
  CHECK(lines[9] == "warning: PSRD with hub hank is low");
}

TEST_CASE("the table shows no rate where none is known") {
  json::Writer writer;
  writer.begin_array().begin_object().name("name").string("hank").name("psrd");
  write_psrd_levels(writer, levels(500));
  writer.end_object().end_array();
  const std::string text = table_of(writer.take_text(), "[]");
  CHECK(text.find("         -\n") != std::string::npos);
  CHECK(text.find("nan") == std::string::npos);
}

}  // namespace
}  // namespace dske::node
