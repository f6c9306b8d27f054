#include "wireguard/status_table.h"

#include <array>
#include <map>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/utf8.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kPeersMost = 100'000;
constexpr std::size_t kSourcesMost = 16;
constexpr std::size_t kErrorBytesMost = 4096;
constexpr std::size_t kKeyBytesShown = 8;
using Row = std::array<std::string, 9>;

struct Line {
  std::string interface;
  std::string sae;
  std::string public_key;
  Row row;
};

std::string seconds(json::ObjectReader& reader, std::string_view name) {
  const json::Value value = reader.any(name);
  const auto count = value.integer();
  return count ? fmt::format("{} s", *count) : "-";
}

std::string sources(json::ObjectReader& reader) {
  std::string names;
  for (const json::Value& name : reader.array("sources", kSourcesMost))
    names += (names.empty() ? "" : "+") + std::string(name.string().value_or("?"));
  return names.empty() ? "-" : names;
}

Result<Line> line_of(const json::Value& value) {
  json::ObjectReader reader(value, "peer");
  Line line;
  line.interface = reader.string("interface", 64);
  line.sae = reader.string("sae_id", 512);
  line.public_key = reader.string("public_key", 64);
  Row& row = line.row;
  row[0] = line.interface;
  row[1] = line.sae;
  row[2] = reader.string("state", 64);
  row[3] = sources(reader);
  row[4] = seconds(reader, "key_age_seconds");
  row[5] = std::string(reader.string("session", 16)) + (reader.boolean("key_used") ? ", key in use" : "");
  row[6] = seconds(reader, "handshake_age_seconds");
  row[7] = seconds(reader, "next_rotation_seconds");
  row[8] = escape_controls(reader.string("last_error", kErrorBytesMost));  // others have a say in it
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  return line;
}

// Peers that name and interface do not tell apart are told apart by their keys.
void tell_apart(std::vector<Line>& lines) {
  std::map<std::pair<std::string, std::string>, int> same;
  for (const Line& line : lines) ++same[{line.interface, line.sae}];
  for (Line& line : lines) {
    if (same[{line.interface, line.sae}] > 1) line.row[1] += " " + line.public_key.substr(0, kKeyBytesShown);
  }
}

}  // namespace

Result<std::string> status_table(json::Value report) {
  json::ObjectReader reader(report, "report");
  std::vector<Line> lines;
  for (const json::Value& peer : reader.array("peers", kPeersMost)) {
    auto line = line_of(peer);
    if (!line) return line.error();
    lines.push_back(std::move(*line));
  }
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  tell_apart(lines);
  std::vector<Row> rows{
      {"INTERFACE", "PEER", "STATE", "SOURCES", "KEY AGE", "SESSION", "HANDSHAKE", "NEXT", "LAST ERROR"}};
  for (Line& line : lines) rows.push_back(std::move(line.row));
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace dske::wireguard
