// What there is to say to an adapter that this end cannot call, until that one collects it.
#pragma once

#include <optional>

#include "base/event_loop.h"
#include "http/server.h"
#include "wireguard/guard.h"
#include "wireguard/outbox.h"

namespace dske::wireguard {

/// Only on the loop's thread.
class Mailbox {
 public:
  explicit Mailbox(EventLoop& loop) : loop_(loop) {}
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void put(LinkedMessage message);
  void forget(const Link& link) { outbox_.forget(link); }
  /// Answers with what there is to say, or as soon as there is something, or with nothing after a while. The
  /// collector before, whose connection may be gone, is answered with nothing: it must not swallow messages.
  void collect(http::Reply reply);

 private:
  void answer_soon();
  void answer();

  EventLoop& loop_;
  Outbox outbox_;
  std::optional<http::Reply> collector_;
  EventLoop::TimerId timer_ = 0;
  bool answering_ = false;  // soon
  Guard guard_;
};

}  // namespace dske::wireguard
