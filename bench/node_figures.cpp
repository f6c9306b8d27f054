#include "bench/node_figures.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

namespace dske::bench {
namespace {

std::string text_of(double value) {
  if (std::isnan(value)) return "-";
  return fmt::format("{:.{}f}", value, value < 10 ? 2 : value < 1000 ? 1 : 0);
}

}  // namespace

void NodeFigures::add(const std::string& name, const std::string& unit, double value) {
  auto line = std::find_if(lines_.begin(), lines_.end(), [&](const Line& each) { return each.name == name; });
  if (line == lines_.end()) line = lines_.insert(lines_.end(), {name, unit, {}});
  line->values.push_back(value);
}

void NodeFigures::print() const {
  fmt::print("{:<44}", "");
  for (const std::string& column : columns_) fmt::print(" {:>16}", column);
  fmt::print("   ratios\n");
  for (const Line& line : lines_) {
    fmt::print("{:<44}", line.name + (line.unit.empty() ? "" : ", " + line.unit));
    for (const double value : line.values) fmt::print(" {:>16}", text_of(value));
    fmt::print("  ");
    for (std::size_t i = 1; i < line.values.size(); ++i)
      fmt::print(" {:>5}", text_of(line.values[i] / line.values[i - 1]));
    fmt::print("\n");
  }
  static_cast<void>(std::fflush(stdout));
}

}  // namespace dske::bench
