#include "base/log.h"

#include <atomic>
#include <memory>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/utf8.h"

namespace dske::log {
namespace {

std::atomic<Level> lowest{Level::info};

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("dske", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

}  // namespace

void set_level(Level level) {
  lowest = level;
}

bool enabled(Level level) noexcept {
  return level >= lowest.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message) {
  if (!enabled(level)) return;
  const auto as_spdlog = level == Level::debug     ? spdlog::level::debug
                         : level == Level::info    ? spdlog::level::info
                         : level == Level::warning ? spdlog::level::warn
                                                   : spdlog::level::err;
  logger().log(as_spdlog, "{}", escape_controls(message));
}

}  // namespace dske::log
