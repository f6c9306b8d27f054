#include "node/daemon_loop.h"

#include <csignal>
#include <ctime>

#include <unistd.h>

namespace dske::node {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void block_stop_signals() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void wait_for_stop(std::chrono::milliseconds interval, const std::function<void()>& tick) {
  const sigset_t set = stop_signals();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(interval);
  const timespec timeout{seconds.count(), std::chrono::nanoseconds(interval - seconds).count()};
  while (::sigtimedwait(&set, nullptr, &timeout) < 0) tick();
}

void request_stop() {
  ::kill(::getpid(), SIGTERM);
}

}  // namespace dske::node
