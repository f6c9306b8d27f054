// The end of a node's log, for messages about a node that died.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace dske::manager {

/// The size of a log now; 0 if there is none. What is written later begins there.
[[nodiscard]] std::uintmax_t log_size(const std::filesystem::path& file);

/// The last lines (at most `most`) that were written after `offset`, each indented and ended; empty if there
/// are none.
[[nodiscard]] std::string log_tail(const std::filesystem::path& file, std::uintmax_t offset,
                                   std::size_t most);

}  // namespace dske::manager
