#include "wireguard/status_table.h"

#include <array>
#include <vector>

#include <fmt/core.h>

#include "base/utf8.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kPeersMost = 100'000;
using Row = std::array<std::string, 8>;

std::string seconds(json::ObjectReader& reader, std::string_view name) {
  const json::Value value = reader.any(name);
  const auto count = value.integer();
  return count ? fmt::format("{} s", *count) : "-";
}

Result<Row> row_of(const json::Value& value) {
  json::ObjectReader reader(value, "peer");
  Row row;
  row[0] = reader.string("interface", 64);
  row[1] = reader.string("sae_id", 512);
  row[2] = reader.string("state", 64);
  row[3] = seconds(reader, "key_age_seconds");
  row[4] = std::string(reader.string("session", 16)) + (reader.boolean("key_used") ? ", key in use" : "");
  row[5] = seconds(reader, "handshake_age_seconds");
  row[6] = seconds(reader, "next_rotation_seconds");
  row[7] = escape_controls(reader.string("last_error", 4096));  // others have a say in it
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  return row;
}

}  // namespace

Result<std::string> status_table(json::Value report) {
  json::ObjectReader reader(report, "report");
  std::vector<Row> rows{
      {"INTERFACE", "PEER", "STATE", "KEY AGE", "SESSION", "HANDSHAKE", "NEXT", "LAST ERROR"}};
  for (const json::Value& peer : reader.array("peers", kPeersMost)) {
    auto row = row_of(peer);
    if (!row) return row.error();
    rows.push_back(std::move(*row));
  }
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  std::array<std::size_t, 8> widths{};
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
