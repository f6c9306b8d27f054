// A daemon's main thread: waits for the order to stop, and ticks meanwhile.
#pragma once

#include <chrono>
#include <functional>

namespace dske::node {

/// Blocks SIGTERM and SIGINT for this thread and those that it starts. Call it before any thread starts.
void block_stop_signals();

/// Runs `tick` about every `interval` until SIGTERM or SIGINT comes or request_stop() is called.
void wait_for_stop(std::chrono::milliseconds interval, const std::function<void()>& tick);

/// Ends wait_for_stop(). From any thread.
void request_stop();

}  // namespace dske::node
