// dske-bench psrd: what keys cost in PSRD, as both ends of every link see it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dske::bench {

struct PsrdSettings {
  std::string topology_file;
  std::string master_sae;
  std::string slave_sae;
  std::uint32_t requests = 10;  ///< bundles
  std::uint32_t number = 128;   ///< keys in each
};

/// Fetches bundles of keys at both ends, one after the other, and prints what that took of each zone between
/// the two KMEs and every hub, as the KMEs and as the hubs tell, with the lower bound: a share is as long as
/// what it is a share of, so each hub needs as many bytes of pad as a key has to receive its share of it, and
/// as many to hand it on. An error if a key failed, or if the two ends of a link tell different things.
[[nodiscard]] Result<void> run_psrd_benchmark(const PsrdSettings& settings);

}  // namespace dske::bench
