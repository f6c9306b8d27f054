// dske-bench stall: whether clients that hold connections open without a word slow down those that behave.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dske::bench {

struct StallSettings {
  std::string topology_file;
  std::string master_sae;
  std::string slave_sae;
  bool get_keys = false;      ///< the calls are enc_keys, not status; they cost PSRD
  unsigned connections = 8;   ///< kept-alive ones of the well-behaved, each with 50 calls a second
  unsigned seconds = 8;       ///< of each phase
  unsigned rounds = 3;        ///< each an undisturbed and a disturbed phase
  unsigned silent = 1000;     ///< connections without a word
  unsigned half = 200;        ///< connections with half a ClientHello
  unsigned addresses = 100;   ///< from which the attackers come
  bool same_address = false;  ///< they come from the well-behaved clients' own instead
};

/// Measures phases in turn, so that other load of the machine hits both kinds alike, and prints them, the
/// ratio of the medians, and what the KME's process takes before, during and after. Times are only printed.
/// An error if a well-behaved call failed or if the KME keeps descriptors after the attackers have gone.
[[nodiscard]] Result<void> run_stall_benchmark(const StallSettings& settings);

}  // namespace dske::bench
