// The courier as a process that `start` leaves running and `stop` ends.
#pragma once

#include <optional>

#include <sys/types.h>

#include "base/result.h"
#include "manager/network.h"

namespace dske::manager {

enum class CourierState {
  none,     ///< the topology has none
  stopped,  ///< it has one that does not run
  dead,     ///< it was started and has ended without being stopped
  running,
};

struct CourierReport {
  CourierState state = CourierState::none;
  std::optional<pid_t> pid;
};

[[nodiscard]] CourierReport courier_report(const Network& network);
[[nodiscard]] const char* state_text(CourierState state);

/// Starts it if the topology has one that does not run yet. The caller has claimed the network.
[[nodiscard]] Result<void> start_courier(const Network& network);
/// Ends it if it runs, whether or not the topology still has one. The caller has claimed the network.
[[nodiscard]] Result<void> stop_courier(const Network& network);

}  // namespace dske::manager
