// Listens, and hands new connections to the workers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "http/address_limits.h"
#include "http/inbox.h"
#include "http/log_budget.h"

namespace dske::http {

/// One thread that accepts. Connections over the limits are closed at once; when descriptors run out, the one
/// kept in reserve serves to turn waiting clients away.
class Acceptor {
 public:
  /// Listens on the address (numeric or a name) and port; 0 lets the system choose. Accepts nothing yet.
  [[nodiscard]] static Result<std::unique_ptr<Acceptor>> listen(const std::string& server_name,
                                                                const std::string& address,
                                                                std::uint16_t port);
  ~Acceptor() { stop(); }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// `limits` must outlive the acceptor's thread, on which `every_second` is called at about that interval.
  /// To be called once.
  void start(AddressLimits& limits, std::vector<std::shared_ptr<Inbox>> workers,
             std::function<void()> every_second);
  /// Stops listening and ends the thread.
  void stop();

 private:
  Acceptor(std::string server_name, FileDescriptor listener, FileDescriptor stop_event, std::uint16_t port);
  void run(AddressLimits& limits, const std::function<void()>& every_second);
  /// Accepts one connection; false if there is none or accepting must pause.
  bool accept_one(AddressLimits& limits);
  /// Uses the reserve; as accept_one().
  bool turn_one_away();
  void hand_over(Inbox::NewConnection arrival);
  /// Has the worker with the most connections end one that only waits.
  void make_room();

  const std::string server_name_;
  FileDescriptor listener_;
  FileDescriptor stop_event_;
  FileDescriptor reserve_;
  const std::uint16_t port_;
  std::vector<std::shared_ptr<Inbox>> workers_;
  LogBudget log_budget_;
  bool must_pause_ = false;
  std::thread thread_;
};

}  // namespace dske::http
