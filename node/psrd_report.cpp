#include "node/psrd_report.h"

#include <cmath>

#include <fmt/core.h>

namespace dske::node {
namespace {

constexpr double kLow = 25.0;
constexpr double kVeryLow = 10.0;

void write_zone(json::Writer& writer, std::string_view name, const ZoneLevel& zone) {
  writer.name(name).begin_object();
  writer.name("left_bytes").integer(static_cast<std::int64_t>(zone.left_bytes));
  writer.name("total_bytes").integer(static_cast<std::int64_t>(zone.total_bytes));
  writer.end_object();
}

void write_level_members(json::Writer& writer, const PsrdLevels& levels) {
  writer.name("blocks").integer(static_cast<std::int64_t>(levels.blocks));
  writer.name("level_percent").number(std::floor(levels.percent() * 10) / 10);
  write_zone(writer, "client_authenticator", levels.client_authenticator);
  write_zone(writer, "client_pad", levels.client_pad);
  write_zone(writer, "hub_authenticator", levels.hub_authenticator);
  write_zone(writer, "hub_pad", levels.hub_pad);
}

std::optional<json::Value> member(const json::Value& object, std::string_view name) {
  return object.is_object() ? object.member(name) : std::nullopt;
}

double number_of(const json::Value& object, std::string_view name) {
  const auto value = member(object, name);
  return value ? value->number().value_or(0) : 0;
}

// "17 h", in the largest unit of which there are two.
std::string duration_text(double seconds) {
  struct Unit {
    double seconds;
    const char* name;
  };
  for (const Unit unit :
       {Unit{86400.0 * 365, "years"}, Unit{86400, "days"}, Unit{3600, "h"}, Unit{60, "min"}}) {
    if (seconds >= 2 * unit.seconds) return fmt::format("{:.0f} {}", seconds / unit.seconds, unit.name);
  }
  return fmt::format("{:.0f} s", seconds);
}

std::string bytes_text(double bytes) {
  std::string digits = fmt::format("{:.0f}", bytes);
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, ",");
  return digits;
}

constexpr std::string_view kRow = "{:<20}  {:>7}  {:>6}  {:>9}  {:<20}  {:>15}  {:>15}  {:>10}\n";

std::string peer_rows(const json::Value& entry) {
  const auto name = member(entry, "name");
  const auto psrd = member(entry, "psrd");
  if (!name || !psrd) return {};
  const auto rates = member(*psrd, "bytes_per_second");
  const bool rated = rates && rates->is_object();
  const auto seconds = member(*psrd, "seconds_left");
  const bool ends = seconds && seconds->number().has_value();
  std::string text;
  bool first = true;
  for (const auto& [zone, label] :
       {std::pair{"client_authenticator", "client authenticator"}, std::pair{"client_pad", "client pad"},
        std::pair{"hub_authenticator", "hub authenticator"}, std::pair{"hub_pad", "hub pad"}}) {
    const auto level = member(*psrd, zone);
    const double left = level ? number_of(*level, "left_bytes") : 0;
    const double total = level ? number_of(*level, "total_bytes") : 0;
    text += fmt::format(fmt::runtime(kRow), first ? name->string().value_or("") : "",
                        first ? fmt::format("{:.1f} %", number_of(*psrd, "level_percent")) : "",
                        first ? fmt::format("{:.0f}", number_of(*psrd, "blocks")) : "",
                        !first ? ""
                        : ends ? duration_text(number_of(*psrd, "seconds_left"))
                               : "-",
                        label, bytes_text(left), bytes_text(total),
                        rated ? fmt::format("{:.1f}", number_of(*rates, zone)) : "-");
    first = false;
  }
  return text;
}

}  // namespace

void write_psrd_levels(json::Writer& writer, const PsrdLevels& levels) {
  writer.begin_object();
  write_level_members(writer, levels);
  writer.end_object();
}

void write_psrd_levels(json::Writer& writer, const PsrdLevels& levels,
                       const std::optional<PsrdRates>& rates) {
  writer.begin_object();
  write_level_members(writer, levels);
  writer.name("bytes_per_second");
  if (rates) {
    writer.begin_object();
    const auto rate = [&](std::string_view name, double value) {
      writer.name(name).number(std::round(value * 10) / 10);
    };
    rate("client_authenticator", rates->client_authenticator);
    rate("client_pad", rates->client_pad);
    rate("hub_authenticator", rates->hub_authenticator);
    rate("hub_pad", rates->hub_pad);
    writer.end_object();
  } else {
    writer.null();
  }
  const auto left = rates ? rates->time_left(levels) : std::nullopt;
  writer.name("seconds_left");
  if (left) {
    writer.integer(left->count());
  } else {
    writer.null();
  }
  writer.end_object();
}

void write_warnings(json::Writer& writer, const std::vector<std::string>& warnings) {
  writer.name("warnings").begin_array();
  for (const std::string& warning : warnings) writer.string(warning);
  writer.end_array();
}

void warn_of_psrd_level(std::vector<std::string>& warnings, const std::string& whose,
                        const PsrdLevels& levels) {
  const double percent = levels.percent();
  if (levels.blocks == 0) {
    warnings.push_back("no PSRD with " + whose);
  } else if (percent <= kLow) {
    warnings.push_back(fmt::format("PSRD with {} is {}: {:.1f} % left", whose,
                                   percent <= kVeryLow ? "very low" : "low", percent));
  }
}

std::string psrd_table(const std::string& peer, const json::Value& entries,
                       const std::optional<json::Value>& warnings) {
  std::string text = fmt::format(fmt::runtime(kRow), peer, "LEVEL", "BLOCKS", "EMPTY IN", "ZONE",
                                 "LEFT (BYTES)", "OF (BYTES)", "BYTES/S");
  for (const json::Value& entry : entries.elements()) text += peer_rows(entry);
  for (const json::Value& warning : warnings ? warnings->elements() : std::vector<json::Value>())
    text += fmt::format("warning: {}\n", warning.string().value_or(""));
  return text;
}

}  // namespace dske::node
