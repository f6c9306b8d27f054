// How old a key may be when a master gets it.
#pragma once

#include <algorithm>
#include <chrono>

namespace dske::kme {

/// How much of a key's lifetime must be left when it is handed out: ten minutes or, if less, a tenth of it.
[[nodiscard]] constexpr std::chrono::nanoseconds least_left(std::chrono::seconds lifetime) {
  return std::min<std::chrono::nanoseconds>(std::chrono::minutes(10), lifetime / 10);
}

}  // namespace dske::kme
