#include "wireguard/recoverer.h"

#include <algorithm>
#include <memory>

#include "base/log.h"

namespace dske::wireguard {
namespace {

constexpr int kTriesMost = 3;
constexpr std::chrono::milliseconds kTryAgain{700};

bool has(const RecoverMessage& offer, Source source) {
  return std::find(offer.sources.begin(), offer.sources.end(), source) != offer.sources.end();
}

}  // namespace

void Recoverer::take(const Message& message) {
  if (const auto* offer = std::get_if<RecoverMessage>(&message)) {
    recover(*offer);
  } else if (const auto* applied = std::get_if<AppliedMessage>(&message)) {
    if (!applied->open || applied->key != parts_.tunnel.active() || !parts_.tunnel.ready()) return;
    parts_.tunnel.open([label = parts_.label](const Result<void>& opened) {
      if (!opened) log::warning("{}: {}", label, opened.error().message);
    });
  }
}

// The generator keeps to its offer for a while. Should it have given it up, the comparison of the two ends
// finds out.
void Recoverer::wake() {
  if (pending_ || !refused_) return;
  const RecoverMessage offer = *refused_;
  recover(offer);
}

void Recoverer::recover(const RecoverMessage& offer) {
  if (pending_ && pending_->key == offer.key) return;
  if (last_.id == offer.key && parts_.tunnel.active() == offer.key)
    return confirm(offer.key, last_.confirmation);
  if (pending_) {
    // One whose key is still being set would be set after this one.
    if (!parts_.tunnel.ready()) return;
  }
  pending_ = offer;
  refused_.reset();
  if (!parts_.tunnel.ready()) return refuse(Refusal::device, "there is no such device or peer here now");
  if (std::string refusal = refusal_of(parts_.trust, offer.sources); !refusal.empty())
    return refuse(Refusal::policy, std::move(refusal));
  if (has(offer, Source::dske) && parts_.tunnel.active() == offer.key)
    return refuse(Refusal::key_gone, "it was taken and set before this adapter was started again");
  if (has(offer, Source::dske)) {
    if (!fetching_) fetch(1);
    return;
  }
  build(std::nullopt);
}

void Recoverer::fetch(int tries) {
  fetching_ = true;
  const KeyId first = pending_->key;
  const auto asked = std::make_shared<std::optional<KeyId>>();
  parts_.keys.key_of(
      parts_.peer_sae,
      [this, asked, alive = guard_.watch()] {
        if (!alive.expired() && pending_ && has(*pending_, Source::dske)) *asked = pending_->key;
        return *asked;
      },
      guard_([this, first, asked, tries](Result<DeliveredKey> key) {
        fetching_ = false;
        if (!pending_ || !has(*pending_, Source::dske)) return;
        if (pending_->key != *asked) return fetch(1);
        if (key) return build(std::move(*key));
        const bool gone = key.error().kind == ErrorKind::not_found;
        const int tried = *asked == first ? tries : 1;
        if (tried >= kTriesMost)
          return refuse(gone ? Refusal::key_gone : Refusal::no_key, key.error().message);
        parts_.loop.after(tried * kTryAgain, guard_([this, asked, tried] {
                            if (pending_ && pending_->key == *asked) fetch(tried + 1);
                          }));
      }));
}

void Recoverer::build(std::optional<DeliveredKey> key) {
  const RecoverMessage& offer = *pending_;
  // A KME delivers a key once: what fails from here on is not mended by offering it again.
  const Refusal lost = key ? Refusal::key_gone : Refusal::device;
  std::vector<Ingredient> ingredients;
  if (key) ingredients.push_back({Source::dske, std::move(key->value)});
  if (offer.tls) {
    auto secret = parts_.channel.tls_secret(*offer.tls);
    if (!secret) return refuse(Refusal::tls, "the connection is not known here");
    ingredients.push_back({Source::tls, std::move(secret->secret)});
  }
  if (offer.file) {
    SecretBytes contents = parts_.file.tagged(*offer.file, offer.key);
    if (contents.empty()) {
      const auto own = parts_.file.current();
      if (own) return refuse(Refusal::file, "the secret files differ");
      return refuse(Refusal::file, "the secret file cannot be used there", own.error().message);
    }
    ingredients.push_back({Source::file, std::move(contents)});
  }
  if (offer.previous) {
    if (last_.id != offer.previous || last_.chain.empty())
      return refuse(Refusal::previous, "the chain key is not held here");
    ingredients.push_back({Source::previous, last_.chain.clone()});
  }
  auto derived =
      std::make_shared<DerivedKeys>(derive_keys({offer.key, parts_.peer_key, parts_.own_key}, ingredients));
  if (!proves(offer.proof, derived->confirmation, Role::generator, offer.key))
    return refuse(Refusal::proof, "the two ends derive different keys");
  if (!parts_.tunnel.ready()) return refuse(lost, "the device is gone");
  parts_.tunnel.apply(
      offer.key, offer.sources, derived->preshared_key, false,
      guard_([this, id = offer.key, sources = offer.sources, derived, lost](const Result<void>& applied) {
        if (!applied) return refuse(lost, applied.error().message);
        pending_.reset();
        last_ = {id, std::move(derived->confirmation), std::move(derived->chain)};
        last_error_.clear();
        log::info("{}: key {} is set here, made of {}", parts_.label, id.text(), names_of(sources));
        confirm(id, last_.confirmation);
      }));
}

void Recoverer::confirm(const KeyId& key, const SecretBytes& confirmation) {
  ConfirmMessage message{key, prove(confirmation, Role::recoverer, key), state_of(parts_.tunnel)};
  parts_.channel.send(message, [label = parts_.label](const Result<void>& sent) {
    if (!sent) log::debug("{}: the confirmation has not arrived: {}", label, sent.error().message);
  });
}

// The other end is told the detail; the cause, if there is more to say of it, stays here.
void Recoverer::refuse(Refusal reason, std::string detail, const std::string& cause) {
  const RefuseMessage message{pending_->key, reason, std::move(detail)};
  if (reason == Refusal::no_key) refused_ = std::move(pending_);
  pending_.reset();
  const std::string why = "key " + message.key.text() + " is refused: " + std::string(name_of(reason)) +
                          ", " + (cause.empty() ? message.detail : cause);
  log::warning("{}: {}", parts_.label, why);
  last_error_ = why;
  parts_.channel.send(message, [](const Result<void>& /*sent*/) {});
}

}  // namespace dske::wireguard
