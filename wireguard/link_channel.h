// The way to the other end's adapter for one tunnel: over the link to an adapter that can be called; or by
// the mailbox of one that calls, for good or while the link does not work.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "wireguard/adapter_link.h"
#include "wireguard/mailbox.h"

namespace dske::wireguard {

/// Only on the loop's thread.
class LinkChannel final : public PeerChannel, public LinkedTunnel {
 public:
  /// `adapter` is null if the other end's adapter cannot be called.
  LinkChannel(const Link& link, std::shared_ptr<AdapterLink> adapter);
  ~LinkChannel() override;
  LinkChannel(const LinkChannel&) = delete;
  LinkChannel& operator=(const LinkChannel&) = delete;

  void send(Message message, Sent sent) override;
  [[nodiscard]] bool dials() const override { return adapter_ != nullptr; }
  [[nodiscard]] bool reaches() const override { return adapter_ != nullptr && adapter_->works(); }
  [[nodiscard]] bool is_collected_from() const override { return mailbox_ != nullptr; }
  void compare(const StateMessage& own, Compared compared) override;
  [[nodiscard]] std::optional<TlsSecret> tls_secret() const override;
  [[nodiscard]] std::optional<TlsSecret> tls_secret(const TlsSecretId& id) const override;

  void comparison_due() override { on_comparison_due(); }
  void take(const Message& message) override { on_message(message); }
  void note_tls(const std::shared_ptr<const TlsSecret>& secret) override;

  /// The other end's adapter has called and collects from there, as it is told to while this end does not
  /// reach it.
  void use_mailbox(std::shared_ptr<Mailbox> mailbox);

  // To be set before the loop goes on.
  std::function<void(const Message&)> on_message;  ///< of the other end, collected from it
  std::function<void()> on_comparison_due;

 private:
  const Link link_;
  const std::shared_ptr<AdapterLink> adapter_;
  std::shared_ptr<Mailbox> mailbox_;
  std::deque<std::shared_ptr<const TlsSecret>> secrets_;  // the newest last
  Guard guard_;
};

}  // namespace dske::wireguard
