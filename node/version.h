// The version that programs and status tell.
#pragma once

#include <string_view>

namespace dske::node {

inline constexpr std::string_view kVersion = DSKE_VERSION;

}  // namespace dske::node
