// The way to the other end's adapter for one tunnel, over mutual TLS, opened by whichever end can.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/names.h"
#include "http/client.h"
#include "http/identity.h"
#include "http/server.h"
#include "wireguard/config.h"
#include "wireguard/exchange.h"
#include "wireguard/guard.h"

namespace dske::wireguard {

/// The SAE that a verified certificate names: its subject's CN or, without one, its only URI "sae:ID" with
/// the ID percent-encoded. ErrorKind::forbidden if it names none.
[[nodiscard]] Result<SaeId> sae_of_certificate(const http::PeerIdentity& identity);

/// The label under which the adapters' connections export the source `tls`.
inline constexpr const char* kExporterLabel = "EXPORTER-DSKE-WireGuard-1";

/// Speaks to the adapter at a URL, or keeps what there is to say until the other end collects it. Only on the
/// loop's thread.
class LinkChannel final : public PeerChannel {
 public:
  struct Options {
    Link link;  ///< from this end
    SaeId peer_sae;
    std::string url;  ///< empty: the other end connects
    TlsFiles tls;
  };
  LinkChannel(Options options, http::ClientLoop& loop, Randomness& randomness);

  void send(Message message, Sent sent) override;
  [[nodiscard]] bool dials() const override { return !options_.url.empty(); }
  void compare(const StateMessage& own, Compared compared) override;
  [[nodiscard]] std::optional<TlsSecret> tls_secret() const override;
  [[nodiscard]] std::optional<TlsSecret> tls_secret(const TlsSecretId& id) const override;

  /// Gets what the other end said, when this end collects it.
  std::function<void(const Message&)> on_message;

  // For the server's side.
  /// A connection of the other end has carried a request.
  void note_tls(const SecretBytes& exported);
  /// Answers with what there is to say, or as soon as there is something, or with nothing after a while.
  void collect(http::Reply reply);

 private:
  void call(std::string method, std::string target, std::string body, std::chrono::seconds timeout,
            UniqueFunction<void(Result<http::Answer>)> done);
  void start_collecting();
  void collect_from_other();
  void take_collected(const http::Answer& answer);
  void answer_collector();

  const Options options_;
  http::ClientLoop& loop_;
  std::shared_ptr<const http::TlsClientConfig> tls_;
  std::deque<TlsSecret> secrets_;  // the newest last
  std::deque<Message> outbox_;
  std::optional<http::Reply> collector_;
  EventLoop::TimerId collector_timer_ = 0;
  bool collecting_ = false;
  bool other_dials_ = true;
  BackOff collect_again_;
  Guard guard_;
};

}  // namespace dske::wireguard
