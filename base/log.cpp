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

bool is_control(unsigned char byte) {
  return byte < 0x20 || byte == 0x7f;
}

// C0, DEL and C1 controls as \xNN; every byte over 0x7f too if the message is not UTF-8.
std::string escaped(std::string_view message) {
  const bool utf8 = is_utf8(message);
  std::string text;
  text.reserve(message.size());
  for (std::size_t i = 0; i < message.size(); ++i) {
    auto byte = static_cast<unsigned char>(message[i]);
    const bool c1 = utf8 && byte == 0xc2 && static_cast<unsigned char>(message[i + 1]) < 0xa0;
    if (c1) byte = static_cast<unsigned char>(message[++i]);
    if (c1 || is_control(byte) || (!utf8 && byte >= 0x80)) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text.push_back(message[i]);
    }
  }
  return text;
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
  logger().log(as_spdlog, "{}", escaped(message));
}

}  // namespace dske::log
