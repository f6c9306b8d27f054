#include "wireguard/link_channel.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kSecretsMost = 4;

}  // namespace

LinkChannel::LinkChannel(const Link& link, std::shared_ptr<AdapterLink> adapter)
    : link_(link), adapter_(std::move(adapter)) {
  if (adapter_) adapter_->add(link_, *this);
}

LinkChannel::~LinkChannel() {
  if (adapter_) adapter_->remove(link_, *this);
  if (mailbox_) mailbox_->forget(link_);
}

void LinkChannel::send(Message message, Sent sent) {
  if (auto* state = std::get_if<StateMessage>(&message)) state->dials = reaches();
  if (auto* confirm = std::get_if<ConfirmMessage>(&message)) confirm->state.dials = reaches();
  if (reaches() || (adapter_ && !mailbox_)) {
    return adapter_->send(
        {link_, std::move(message)},
        guard_([sent = std::move(sent)](const Result<std::optional<StateMessage>>& told) mutable {
          sent(told ? Result<void>() : Result<void>(told.error()));
        }));
  }
  if (!mailbox_) return sent(Error{ErrorKind::unavailable, "the other end's adapter has not called"});
  mailbox_->put({link_, std::move(message)});
  sent({});
}

void LinkChannel::compare(const StateMessage& own, Compared compared) {
  StateMessage told = own;
  told.dials = true;
  adapter_->send({link_, told}, guard_([this, compared = std::move(compared)](
                                           const Result<std::optional<StateMessage>>& other) mutable {
                   if (other) use_mailbox(nullptr);
                   compared(other ? Result<StateMessage>(**other) : Result<StateMessage>(other.error()));
                 }));
}

void LinkChannel::use_mailbox(std::shared_ptr<Mailbox> mailbox) {
  if (mailbox_ == mailbox) return;
  if (mailbox_) mailbox_->forget(link_);
  mailbox_ = std::move(mailbox);
}

std::optional<TlsSecret> LinkChannel::tls_secret() const {
  if (secrets_.empty()) return std::nullopt;
  return TlsSecret{secrets_.back()->id, secrets_.back()->secret.clone()};
}

std::optional<TlsSecret> LinkChannel::tls_secret(const TlsSecretId& id) const {
  for (const auto& one : secrets_) {
    if (one->id == id) return TlsSecret{id, one->secret.clone()};
  }
  return std::nullopt;
}

void LinkChannel::note_tls(const std::shared_ptr<const TlsSecret>& secret) {
  if (!secret || (!secrets_.empty() && secrets_.back()->id == secret->id)) return;
  std::erase_if(secrets_, [&](const auto& one) { return one->id == secret->id; });
  secrets_.push_back(secret);
  if (secrets_.size() > kSecretsMost) secrets_.pop_front();
}

}  // namespace dske::wireguard
