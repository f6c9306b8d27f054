#include "manager/status_table.h"

#include <algorithm>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string_view>

#include <fmt/core.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dske::manager {
namespace {

constexpr std::size_t kBarLength = 8;
constexpr double kLowPercent = 25;
constexpr double kVeryLowPercent = 10;

enum class Colour { none, green, yellow, red, faint };

std::string painted(const std::string& text, Colour colour, const TableStyle& style) {
  if (!style.colours || colour == Colour::none) return text;
  const char* const code = colour == Colour::green    ? "32"
                           : colour == Colour::yellow ? "33"
                           : colour == Colour::red    ? "31"
                                                      : "2";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

Colour colour_of(NodeState state) {
  switch (state) {
    case NodeState::ready:
      return Colour::green;
    case NodeState::not_ready:
      return Colour::yellow;
    case NodeState::not_answering:
    case NodeState::dead:
      return Colour::red;
    default:
      return Colour::faint;
  }
}

Colour colour_of(double percent) {
  return percent < kVeryLowPercent ? Colour::red : percent < kLowPercent ? Colour::yellow : Colour::green;
}

std::string repeated(const char* text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

// "######..  73 %", always of the same width. What is not empty shows at least one mark.
constexpr std::size_t kLevelWidth = kBarLength + 6;
std::string level_text(const PsrdLevel& level, const TableStyle& style) {
  if (level.blocks == 0) return fmt::format("{:<{}}", "none", kLevelWidth);
  const double percent = std::clamp(level.percent, 0.0, 100.0);
  auto full = static_cast<std::size_t>(std::lround(percent * kBarLength / 100));
  if (full == 0 && percent > 0) full = 1;
  const std::string bar =
      repeated(style.unicode ? "█" : "#", full) + repeated(style.unicode ? "░" : ".", kBarLength - full);
  return painted(bar, colour_of(percent), style) + fmt::format(" {:>3.0f} %", std::floor(percent));
}

void append_nodes(std::string& text, const std::vector<NodeReport>& reports, const TableStyle& style) {
  std::size_t width = 4;
  for (const NodeReport& report : reports) width = std::max(width, report.node.title().size());
  text += fmt::format("{:<{}}  {:<13}  {:>7}  {:>5}  {:>7}  {}\n", "NODE", width, "STATE", "PID", "PORT",
                      "UPTIME", "URL");
  for (const NodeReport& report : reports) {
    const std::string state = fmt::format("{:<13}", state_text(report.state));
    text += fmt::format("{:<{}}  {}  {:>7}  {:>5}  {:>7}  {}\n", report.node.title(), width,
                        painted(state, colour_of(report.state), style),
                        report.pid ? std::to_string(*report.pid) : "-", report.node.port,
                        report.status ? duration_text(report.status->uptime_seconds) : "-", report.node.url);
  }
}

void append_courier(std::string& text, const CourierReport& courier, const TableStyle& style) {
  if (courier.state == CourierState::none) return;
  const Colour colour = courier.state == CourierState::running ? Colour::green
                        : courier.state == CourierState::dead  ? Colour::red
                                                               : Colour::faint;
  text += "\nCOURIER  " + painted(state_text(courier.state), colour, style) +
          (courier.pid ? fmt::format("  pid {}", *courier.pid) : "") + "\n";
}

// The level of each pair of client and hub: both ends tell it, the client's word goes first.
struct Levels {
  std::vector<std::string> clients;
  std::vector<std::string> hubs;
  std::map<std::pair<std::string, std::string>, PsrdLevel> by_pair;
};

void add_unique(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

Levels levels_of(const std::vector<NodeReport>& reports) {
  Levels levels;
  for (const NodeReport& report : reports) {
    if (!report.status) continue;
    const bool is_hub = report.node.kind == NodeKind::hub;
    for (const PeerStatus& peer : report.status->peers) {
      const std::string& client = is_hub ? peer.name : report.node.name;
      const std::string& hub = is_hub ? report.node.name : peer.name;
      add_unique(levels.clients, client);
      add_unique(levels.hubs, hub);
      if (is_hub) {
        levels.by_pair.try_emplace({client, hub}, peer.psrd);
      } else {
        levels.by_pair[{client, hub}] = peer.psrd;
      }
    }
  }
  return levels;
}

// One row per client, one column per hub; as many columns side by side as the terminal has room for.
void append_levels(std::string& text, const std::vector<NodeReport>& reports, const TableStyle& style) {
  const Levels levels = levels_of(reports);
  if (levels.by_pair.empty()) return;
  std::size_t name_width = 9;
  for (const std::string& client : levels.clients) name_width = std::max(name_width, client.size());
  std::size_t column = kLevelWidth;
  for (const std::string& hub : levels.hubs) column = std::max(column, hub.size());
  const std::size_t room = style.columns > name_width ? style.columns - name_width : 0;
  const std::size_t at_once = std::max<std::size_t>(1, room / (column + 2));

  for (std::size_t first = 0; first < levels.hubs.size(); first += at_once) {
    const std::size_t end = std::min(levels.hubs.size(), first + at_once);
    text += fmt::format("\n{:<{}}", first == 0 ? "PSRD LEFT" : "", name_width);
    for (std::size_t i = first; i < end; ++i) text += fmt::format("  {:<{}}", levels.hubs[i], column);
    while (text.back() == ' ') text.pop_back();
    text += "\n";
    for (const std::string& client : levels.clients) {
      text += fmt::format("{:<{}}", client, name_width);
      for (std::size_t i = first; i < end; ++i) {
        const auto level = levels.by_pair.find({client, levels.hubs[i]});
        text += "  " + (level == levels.by_pair.end() ? fmt::format("{:<{}}", "-", kLevelWidth)
                                                      : level_text(level->second, style));
        text += std::string(column - kLevelWidth, ' ');
      }
      while (text.back() == ' ') text.pop_back();
      text += "\n";
    }
  }
}

void append_warnings(std::string& text, const std::vector<NodeReport>& reports, const TableStyle& style) {
  std::vector<std::string> lines;
  for (const NodeReport& report : reports) {
    if (!report.reason.empty()) lines.push_back(report.node.title() + ": " + report.reason);
    if (!report.status) continue;
    for (const std::string& warning : report.status->warnings) {
      lines.push_back(report.node.title() + ": " + warning);
    }
  }
  if (lines.empty()) return;
  text += "\nWARNINGS\n";
  for (const std::string& line : lines) text += painted(line, Colour::yellow, style) + "\n";
}

}  // namespace

TableStyle TableStyle::of_standard_output() {
  TableStyle style;
  if (const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr); locale != nullptr) {
    style.unicode = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
    ::freelocale(locale);
  }
  if (::isatty(STDOUT_FILENO) == 0) return style;
  style.colours = std::getenv("NO_COLOR") == nullptr;  // NOLINT(concurrency-mt-unsafe): nobody sets it
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.columns = size.ws_col;
  return style;
}

std::string status_table(const std::vector<NodeReport>& reports, const CourierReport& courier,
                         const TableStyle& style) {
  std::string text;
  append_nodes(text, reports, style);
  append_courier(text, courier, style);
  append_levels(text, reports, style);
  append_warnings(text, reports, style);
  return text;
}

std::string duration_text(std::int64_t seconds) {
  const std::int64_t minutes = seconds / 60;
  const std::int64_t hours = minutes / 60;
  if (minutes == 0) return fmt::format("{}s", seconds);
  if (hours == 0) return fmt::format("{}m{:02}s", minutes, seconds % 60);
  if (hours < 24) return fmt::format("{}h{:02}m", hours, minutes % 60);
  return fmt::format("{}d{:02}h", hours / 24, hours % 24);
}

}  // namespace dske::manager
