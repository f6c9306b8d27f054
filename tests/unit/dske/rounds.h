// How often tests repeat themselves.
#pragma once

#include <cstdint>

namespace dske::test {

/// All of them in a release build; a quarter in a debug build, where each takes many times as long.
constexpr std::uint32_t rounds(std::uint32_t all) {
#ifdef NDEBUG
  return all;
#else
  return all / 4;
#endif
}

}  // namespace dske::test
