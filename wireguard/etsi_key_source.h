// Keys from the local KME by ETSI GS QKD 014, whichever vendor's it is.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "etsi014/sae_path.h"
#include "http/client.h"
#include "wireguard/config.h"
#include "wireguard/exchange.h"
#include "wireguard/guard.h"

namespace dske::wireguard {

/// Asks for keys of 256 bits, one in a request, as the SAE of the certificate. What many tunnels want at one
/// moment waits for its turn: a KME is not overrun, and a few connections do.
class EtsiKeySource final : public KeySource {
 public:
  EtsiKeySource(const Config& config, http::ClientLoop& loop, Randomness& randomness);

  void new_key(const SaeId& peer, Done done) override;
  void key_of(const SaeId& peer, Which which, Done done) override;

  /// Called when keys may be there again after there were none: the KME is back, or has got more.
  std::function<void()> on_available;
  /// What the KME calls itself; empty before the first key.
  [[nodiscard]] const std::string& kme_id() const { return kme_id_; }

 private:
  struct Question {
    SaeId peer;
    Which which;  // empty: a new one
    Done done;
  };
  void ask(Question question);
  void ask_next();
  void send(const std::string& target, http::ClientLoop::Done done);
  void identify(const SaeId& peer);
  void watch_for_keys(const SaeId& peer);
  void probe(const SaeId& peer);

  const std::string url_;
  std::shared_ptr<const http::TlsClientConfig> tls_;
  http::ClientLoop& loop_;
  std::deque<Question> waiting_;
  std::size_t asking_ = 0;
  BackOff probe_wait_;
  bool watching_ = false;
  bool identified_ = false;  // or being asked
  std::string kme_id_;
  Guard guard_;
};

}  // namespace dske::wireguard
