// The process's log: one line per event on standard error, "TIME LEVEL MESSAGE". Thread-safe. Never give it
// secrets: SecretBytes has no formatter, so they do not compile.
#pragma once

#include <string_view>
#include <utility>

#include <fmt/core.h>

namespace dske::log {

enum class Level { debug, info, warning, error };

/// Events below `level` are dropped. The default is info.
void set_level(Level level);
[[nodiscard]] bool enabled(Level level) noexcept;
/// Writes one line; line breaks, other control characters and what is not UTF-8 are shown escaped.
void write(Level level, std::string_view message);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warning)) write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace dske::log
