// The way to one other adapter that can be called, for all tunnels with it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "http/client.h"
#include "wireguard/batches.h"
#include "wireguard/exchange.h"
#include "wireguard/guard.h"
#include "wireguard/outbox.h"

namespace dske::wireguard {

/// What a link tells one of its tunnels.
class LinkedTunnel {
 public:
  virtual ~LinkedTunnel() = default;
  /// The regular comparison is due, for all tunnels of the link at once.
  virtual void comparison_due() = 0;
  /// What the other end said by being collected from.
  virtual void take(const Message& message) = 0;
  /// The connection that carried something of this tunnel.
  virtual void note_tls(const std::shared_ptr<const TlsSecret>& secret) = 0;
};

/// Sends what there is to say in common requests, one at a time: what comes while one is under way goes with
/// the next. With an adapter that cannot call back, also collects what that one has to say. Only on the
/// loop's thread.
class AdapterLink {
 public:
  struct Options {
    std::string label;  ///< for the log
    std::string url;
    std::shared_ptr<const http::TlsClientConfig> tls;
    AdapterId own{};
    Duration compare{};  ///< between two comparisons, and the longest wait between two attempts to connect
  };
  AdapterLink(Options options, http::ClientLoop& loop, Randomness& randomness);
  ~AdapterLink();
  AdapterLink(const AdapterLink&) = delete;
  AdapterLink& operator=(const AdapterLink&) = delete;

  /// `tunnel` until remove(). One that is known already is replaced.
  void add(const Link& link, LinkedTunnel& tunnel);
  void remove(const Link& link, const LinkedTunnel& tunnel);

  /// Whether the last request was answered, if only with a refusal; true before the first one.
  [[nodiscard]] bool works() const { return works_; }

  /// As Outbox::put.
  void send(LinkedMessage message, Outbox::Answered answered);

 private:
  using Done = UniqueFunction<void(Result<http::Answer>)>;

  void call(std::string method, const std::string& target, const std::string& body,
            std::chrono::seconds timeout, Done done);
  void send_soon();
  void send_next();
  void take_answer(std::vector<Outbox::Item> items, const Result<http::Answer>& answer);
  void note_outcome(const Result<BatchAnswer>& outcome);
  void beat_after(Duration wait);
  void follow_state(const Link& link, const StateMessage& state);
  void follow_unknown(const std::set<Link>& unknown);
  void collect();
  void take_collected(const http::Answer& answer);

  const Options options_;
  http::ClientLoop& loop_;
  Randomness& randomness_;
  std::map<Link, LinkedTunnel*> tunnels_;
  Outbox outbox_;
  bool sending_ = false;       // or about to, or resting
  std::set<Link> to_collect_;  // tunnels whose other end cannot call
  bool collecting_ = false;
  std::set<Link> unknown_;  // to the other end, when they were last told of
  std::string error_;
  bool works_ = true;
  BackOff reconnect_;
  BackOff unknown_again_;
  BackOff collect_again_;
  EventLoop::TimerId beat_ = 0;
  Guard guard_;
};

}  // namespace dske::wireguard
