// DSKE_max_age_seconds: no key is handed out, to the master or a slave, that is older than this.
#pragma once

#include "kme/extensions/extension.h"

namespace dske::kme {

/// Of less, too little would be left: see Demand::kUnderWay.
inline constexpr std::int64_t kMaxAgeLeastSeconds = 20;

inline constexpr Extension kMaxAgeSeconds{
    "DSKE_max_age_seconds", [](json::Value value) -> Result<Demand> {
      const auto seconds = extension_integer(value, kMaxAgeLeastSeconds);
      if (!seconds) return seconds.error();
      constexpr std::int64_t kMost = std::int64_t{1} << 32;  // no bundle lives as long
      Demand demand;
      demand.max_age = std::chrono::seconds(std::min(*seconds, kMost));
      return demand;
    }};

}  // namespace dske::kme
