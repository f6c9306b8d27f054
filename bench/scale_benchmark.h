// dske-bench scale: what a large network needs, from measured costs.
#pragma once

#include <string>

#include "base/result.h"
#include "bench/scale_model.h"

namespace dske::bench {

struct ScaleSettings {
  std::string topology_file;  ///< empty: nothing is measured, `costs` are used as they are
  std::string master_sae;
  std::string slave_sae;
  ScaleNetwork network;
  ScaleCosts costs;
};

/// Measures the costs on a running topology (CPU time of its processes over cold bundles of one key and of
/// 128 keys, and of a constant server per request), prints assumptions and costs, and a table of loads over
/// the number of hubs.
[[nodiscard]] Result<void> run_scale_benchmark(const ScaleSettings& settings);

}  // namespace dske::bench
