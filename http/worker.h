// A worker: one thread of Pistache's reactor with the connections that were given to it. The only place that
// includes Pistache's transport, reactor and peer.
//
// What it relies on of Pistache 0.0.5, beyond the documented interface:
// * Aio::AsyncContext clones the handler that is added once per thread and calls registerPoller() on each
// clone before
//   the threads start; a thread calls onReady() of its own clone only, and of no other handler if there is
//   one key;
// * the tags given to registerFd() come back unchanged (there is one handler, so none of its index is mixed
// in);
// * an event without Read, Write and Hangup is an error condition;
// * Tcp::Transport: `peers` is protected, and removePeer() takes a peer out of it, out of the poller and
// closes its
//   descriptor. Its own queues stay unbound and its onReady() is never called.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <pistache/peer.h>
#include <pistache/reactor.h>
#include <pistache/transport.h>

#include "base/file.h"
#include "base/mutex.h"
#include "http/connection.h"
#include "http/deadlines.h"
#include "http/inbox.h"
#include "http/router.h"
#include "http/server.h"
#include "http/tls_source.h"

namespace dske::http {

/// What all workers of a server share. It does not change while they run.
struct WorkerSettings {
  std::string server_name;
  ServerLimits limits;
  std::shared_ptr<const Routes> routes;
  std::shared_ptr<const TlsSource> tls;  ///< null for plain HTTP
  std::shared_ptr<HandshakeLimits> handshakes;
};

class Worker final : public Pistache::Tcp::Transport {
 public:
  explicit Worker(std::shared_ptr<const WorkerSettings> settings);
  ~Worker() override;

  /// Thread-safe once the worker has been added to a reactor.
  [[nodiscard]] const std::shared_ptr<Inbox>& inbox() const { return inbox_; }
  /// Waits until a worker that was told to stop has closed its last connection. From another thread.
  void wait_until_stopped();

  // For the reactor.
  std::shared_ptr<Pistache::Aio::Handler> clone() const override;
  /// Throws std::runtime_error if the system is out of descriptors.
  void registerPoller(Pistache::Polling::Epoll& poller) override;
  void onReady(const Pistache::Aio::FdSet& events) override;

 private:
  struct Guest {
    std::unique_ptr<Connection> connection;
    std::shared_ptr<Pistache::Tcp::Peer> peer;
  };

  void tell_time();
  void take_event(const Pistache::Aio::FdSet::Entry& event);
  void empty_inbox();
  /// Takes in a few of those that wait to be.
  void adopt_some();
  void adopt(Inbox::NewConnection& arrival);
  /// Ends as many connections as are in the way of others: those that have waited the longest.
  void make_room();
  void deliver(Inbox::LateAnswer& answer);
  void start_stopping(const Inbox::Stop& stop);
  void pass_deadlines();
  void arm_timer();
  void advance(ConnectionId id);
  void remove(ConnectionId id);
  void finish_stopping();

  std::shared_ptr<const WorkerSettings> settings_;
  std::shared_ptr<Inbox> inbox_;
  FileDescriptor timer_;
  Deadlines::Time timer_set_to_;  // epoch: not set
  Deadlines deadlines_;
  LogBudget log_budget_;
  LogBudget certificate_log_budget_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Surroundings> around_;
  std::time_t date_second_ = 0;
  std::unordered_map<ConnectionId, Guest> guests_;
  std::deque<Inbox::NewConnection> arrivals_;  // not taken in yet
  std::vector<ConnectionId> unfinished_;       // connections that could go on at once
  Deadlines::Time stop_deadline_;

  Mutex stopped_mutex_;
  ConditionVariable stopped_condition_;
  bool stopped_ GUARDED_BY(stopped_mutex_) = false;
};

}  // namespace dske::http
