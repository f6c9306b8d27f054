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

}  // namespace

void write_psrd_levels(json::Writer& writer, const PsrdLevels& levels) {
  writer.begin_object();
  writer.name("blocks").integer(static_cast<std::int64_t>(levels.blocks));
  writer.name("level_percent").number(std::floor(levels.percent() * 10) / 10);
  write_zone(writer, "client_authenticator", levels.client_authenticator);
  write_zone(writer, "client_pad", levels.client_pad);
  write_zone(writer, "hub_authenticator", levels.hub_authenticator);
  write_zone(writer, "hub_pad", levels.hub_pad);
  writer.end_object();
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

std::string psrd_levels_text(const json::Value& levels) {
  const auto number = [&](std::string_view zone, std::string_view name) {
    const auto object = levels.member(zone);
    const auto member = object ? object->member(name) : std::nullopt;
    return member ? member->integer().value_or(0) : 0;
  };
  const auto part = [&](std::string_view label, std::string_view zone) {
    return fmt::format("{} {}/{}", label, number(zone, "left_bytes"), number(zone, "total_bytes"));
  };
  const auto percent = levels.member("level_percent");
  const auto blocks = levels.member("blocks");
  return fmt::format("{:5.1f} %  blocks {}  bytes left: {}, {}, {}, {}",
                     percent ? percent->number().value_or(0) : 0.0,
                     blocks ? blocks->integer().value_or(0) : 0,
                     part("client authenticator", "client_authenticator"), part("client pad", "client_pad"),
                     part("hub authenticator", "hub_authenticator"), part("hub pad", "hub_pad"));
}

}  // namespace dske::node
